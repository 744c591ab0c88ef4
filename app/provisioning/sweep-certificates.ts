import type { IotAudit, ObservedCertificate } from '../../regions/iot-audit.ts'
import type { DeviceRecord } from './device-record.ts'
import { type Evidence, type JudgeRules, judge, type RowRead, type Verdict } from './judge.ts'
import type { Ledger, Listing, StrayLedger } from './sweep-ledger.ts'
import { readStrayLedger } from './sweep-ledger.ts'
import type { SweepRun } from './sweep-run.ts'

type Target = {
  readonly region: string
  readonly certificateId: string
  /** Devices that it may be the certificate of, beside those whose thing it hangs on. */
  readonly thingName?: string
  readonly alsoThingName?: string | undefined
}

/** Certificates that hang on no thing and that no record names, until a later scan tells more. */
export type Strays = ObservedCertificate[]

/**
 * Things whose row a hand may have overwritten, in every region: what else is attached to them. The
 * others go before the recorded certificate is attached.
 */
export async function judgeSuspects(
  run: SweepRun,
  ledger: Ledger,
  listings: readonly Listing[],
): Promise<void> {
  for (const { region, since } of listings) {
    if (since === undefined) continue
    const items = ledger.suspects.map((thingName) => ({ region, thingName }))
    await run.each({ doing: 'looking', region }, items, async ({ thingName }) => {
      const audit = run.auditOf(region)
      if (audit === undefined) return
      for (const certificateId of await audit.certificatesOf(thingName, run.deps.signal)) {
        if (ledger.named.get(certificateId) === thingName) continue
        const row = await run.read(thingName)
        if (row.type === 'record' && row.record.certificateId === certificateId) continue
        const recordedBy = ledger.named.get(certificateId) ?? thingName
        await judgeOne(run, audit, { region, certificateId, thingName: recordedBy })
      }
    })
  }
}

/** Everything that was listed, but for what is settled; returns what only a further scan can tell. */
export async function judgeListed(
  run: SweepRun,
  ledger: Ledger,
  listings: readonly Listing[],
): Promise<Strays> {
  const strays: Strays = []
  const work = listings.map(({ region, certificates }) => {
    const unnamed: Target[] = []
    const recorded: Target[] = ledger.unlisted.filter((it) => it.region === region)
    for (const certificateId of certificates.keys()) {
      const thingName = ledger.named.get(certificateId)
      if (ledger.settled.has(certificateId) && !run.options.thorough) {
        run.reportOf(region).kept += 1
      } else if (thingName === undefined) unnamed.push({ region, certificateId })
      else recorded.push({ region, certificateId, thingName })
    }
    return { region, unnamed, recorded }
  })
  // What no record names may hang on a thing whose own certificate is yet to be attached: it goes first.
  for (const part of ['unnamed', 'recorded'] as const) {
    await Promise.all(
      work.map(({ region, ...targets }) =>
        run.each({ doing: 'judging', region }, targets[part], async (target) => {
          const audit = run.auditOf(region)
          const stray = audit && (await judgeOne(run, audit, target))
          if (stray !== undefined) strays.push(stray)
        }),
      ),
    )
  }
  return strays
}

/** By a scan that begins after all of them were seen; an empty allow-list is evidence of nothing. */
export async function judgeStrays(
  run: SweepRun,
  strays: Strays,
  ignored: ReadonlySet<string>,
): Promise<void> {
  if (strays.length === 0) return
  const { allowList, leaseSeconds, signal } = run.deps
  const rows = allowList.scan(signal)
  const ledger = await readStrayLedger(rows, strays, { leaseSeconds, ignored })
  await run.each({ doing: 'judging' }, strays, async (stray) => {
    const evidence = await strayEvidence(run, ledger, stray)
    const rules = rulesFor(run, stray.region)
    const dedicated = rules.dedicated && ledger.records > 0
    const audit = run.auditOf(stray.region)
    if (audit === undefined) return
    await act(run, audit, stray, judge(stray, evidence, { ...rules, dedicated }))
  })
}

async function strayEvidence(
  run: SweepRun,
  ledger: StrayLedger,
  stray: ObservedCertificate,
): Promise<Evidence> {
  const { attemptsSince } = ledger
  const named = ledger.named.get(stray.certificateId)
  const namedBy = named === undefined ? undefined : recordOf(await run.read(named))
  const keyName = ledger.byKey.get(stray.keyThumbprint)
  const keyRecord = keyName === undefined ? undefined : recordOf(await run.read(keyName))
  const sameKey = keyRecord?.csrThumbprint === stray.keyThumbprint ? keyRecord : undefined
  // A record that named it a moment ago, or that can't be read: not this time.
  const moved = named !== undefined && namedBy?.certificateId !== stray.certificateId
  return {
    things: [],
    namedBy: moved ? undefined : namedBy,
    sameKey,
    attemptsSince: moved ? 0 : attemptsSince,
  }
}

/** Looks at a certificate, then reads what the records say of it. Undefined where it is gone. */
export async function examine(
  run: SweepRun,
  audit: IotAudit,
  target: Target,
): Promise<{ it: ObservedCertificate; evidence: Evidence; rules: JudgeRules } | undefined> {
  const it = await audit.observe(target.certificateId, run.deps.signal)
  if (it === undefined) return undefined
  const names = new Set(it.things)
  for (const name of [target.thingName, target.alsoThingName]) {
    if (name !== undefined) names.add(name)
  }
  const rows = await Promise.all(
    [...names].map(async (thingName) => ({ thingName, row: await run.read(thingName) })),
  )
  const records = rows.flatMap(({ row }) => (row.type === 'record' ? [row.record] : []))
  const naming = records.filter((record) => record.certificateId === it.certificateId)
  // Rows edited by hand may name it twice: who could be using it decides.
  const namedBy = naming.find((record) => record.status !== 'blocked') ?? naming[0]
  const supersededBy = records.find((record) =>
    record.superseded.some((entry) => entry.certificateId === it.certificateId),
  )
  const things = rows.filter(({ thingName }) => it.things.includes(thingName))
  return { it, evidence: { namedBy, supersededBy, things }, rules: rulesFor(run, it.region) }
}

/** Examines a certificate and does what follows; gives it back where only a further scan can tell. */
async function judgeOne(
  run: SweepRun,
  audit: IotAudit,
  target: Target,
): Promise<ObservedCertificate | undefined> {
  if (run.isDestroyed(target.certificateId)) return undefined
  const examined = await examine(run, audit, target)
  if (examined === undefined) {
    await reportGone(run, target)
    return undefined
  }
  const { it, evidence, rules } = examined
  const unclaimed = evidence.namedBy === undefined && evidence.supersededBy === undefined
  if (it.things.length === 0 && unclaimed) return it
  await act(run, audit, it, judge(it, evidence, rules))
  return undefined
}

/** Gone is as it should be, unless a record names it. */
async function reportGone(run: SweepRun, target: Target): Promise<void> {
  const { region, certificateId, thingName } = target
  if (thingName === undefined) return
  const record = recordOf(await run.read(thingName))
  if (record?.certificateId !== certificateId || record.status !== 'provisioned') return
  run.reportOf(region).reported.push({ why: 'gone', region, thingName, certificateId })
}

async function act(
  run: SweepRun,
  audit: IotAudit,
  it: ObservedCertificate,
  verdict: Verdict,
): Promise<void> {
  const { region, certificateId } = it
  const report = run.reportOf(region)
  const thing = 'thingName' in verdict ? { thingName: verdict.thingName } : {}
  const finding = { region, certificateId, ...thing }
  switch (verdict.type) {
    case 'keep':
      report.kept += 1
      if (!verdict.settled) run.revisit(region, certificateId)
      return
    case 'report':
      report.reported.push({ why: verdict.what, ...finding })
      run.revisit(region, certificateId)
      return
    case 'destroy':
      await run.destroy(audit, { why: verdict.why, ...finding })
      return
    case 'finish':
      run.revisit(region, certificateId)
      report.kept += 1
      await finish(run, audit, it, verdict.record, verdict.attached)
  }
}

/** Step 4 and its confirmation, for a commit that nobody followed up. */
async function finish(
  run: SweepRun,
  audit: IotAudit,
  it: ObservedCertificate,
  { thingName }: DeviceRecord,
  attached: boolean,
): Promise<void> {
  const { region, certificateId } = it
  if (!attached && !run.options.dryRun) {
    await audit.attach(thingName, certificateId, run.deps.signal)
  }
  if (!(await run.apply(thingName, { type: 'confirm', certificateId }))) return
  run.settle(region, certificateId)
  const why = attached ? 'confirmed' : 'attached'
  run.repaired({ why, region, thingName, certificateId })
}

function rulesFor(run: SweepRun, region: string): JudgeRules {
  const { deps, options } = run
  return {
    now: deps.now(),
    olderThanSeconds: options.olderThanSeconds,
    leaseSeconds: deps.leaseSeconds,
    dedicated: deps.dedicatedRegions.includes(region),
    policyName: deps.policyName,
    absentToo: options.absentToo,
  }
}

function recordOf(row: RowRead): DeviceRecord | undefined {
  return row.type === 'record' ? row.record : undefined
}
