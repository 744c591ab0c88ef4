import type { CertificateRef, DeviceRecord } from './device-record.ts'
import { judge } from './judge.ts'
import { examine } from './sweep-certificates.ts'
import type { Ledger } from './sweep-ledger.ts'
import type { SweepRun } from './sweep-run.ts'

/** How a record's history names the sweeper. */
const by = 'sweeper'

/**
 * What the records themselves ask for: attempts that nobody will end, certificates of devices that a
 * hand blocked, and superseded certificates. The record comes first, always.
 */
export async function repairRecords(run: SweepRun, ledger: Ledger): Promise<void> {
  const { newAttemptId, leaseSeconds } = run.deps
  const step = { doing: 'repairing' } as const
  await run.each(step, named(ledger.ended), async ({ thingName }) => {
    const attemptId = newAttemptId()
    if (await run.apply(thingName, { type: 'expire', by, attemptId, leaseSeconds })) {
      run.repaired({ why: 'expired', thingName, ...(await regionOf(run, thingName)) })
    }
  })
  await run.each(step, named(ledger.blockedByHand), async ({ thingName }) => {
    // Only what a hand has blocked: where it was freed again meanwhile, its certificate is its own.
    const byHand = (record: DeviceRecord) => record.status === 'blocked'
    const block = { type: 'block', by, attemptId: newAttemptId() } as const
    if (await run.apply(thingName, block, byHand)) {
      run.repaired({ why: 'blocked', thingName, ...(await regionOf(run, thingName)) })
    }
  })
  // Those that the two above have just listed as well.
  const listing = new Set([...ledger.superseded, ...ledger.ended, ...ledger.blockedByHand])
  await run.each(step, named([...listing]), ({ thingName }) =>
    cleanSuperseded(run, ledger, thingName),
  )
}

async function cleanSuperseded(run: SweepRun, ledger: Ledger, thingName: string): Promise<void> {
  const row = await run.read(thingName)
  if (row.type !== 'record') return
  for (const entry of supersededOf(run, row.record)) {
    // An attempt under way sees to its own; a write of ours would only cost it its commit.
    if (row.record.status === 'provisioning') return
    await cleanOne(run, ledger, thingName, entry)
  }
}

/** In a dry run also what a real one would have listed by now. */
function supersededOf(run: SweepRun, record: DeviceRecord): readonly CertificateRef[] {
  const { region, certificateId, superseded, status } = record
  if (!run.options.dryRun || status !== 'blocked') return superseded
  if (region === undefined || certificateId === undefined) return superseded
  return [...superseded, { region, certificateId }]
}

async function cleanOne(
  run: SweepRun,
  ledger: Ledger,
  thingName: string,
  certificate: CertificateRef,
): Promise<void> {
  const { region, certificateId } = certificate
  const finding = { region, thingName, certificateId }
  if (!run.deps.configuredRegions.includes(region)) {
    run.report.reported.push({ why: 'no-such-region', ...finding })
    return
  }
  const audit = run.auditOf(region)
  if (audit === undefined) return
  const alsoThingName = ledger.named.get(certificateId)
  const examined = await examine(run, audit, { ...finding, alsoThingName })
  if (examined !== undefined) {
    const { it, evidence, rules } = examined
    const verdict = judge(it, evidence, rules)
    if (verdict.type === 'destroy') {
      if (!(await run.destroy(audit, { why: 'superseded', ...finding }))) return
    } else if (evidence.namedBy !== undefined) {
      run.reportOf(region).reported.push({ why: 'named-elsewhere', ...finding })
      return
    } else return
  }
  // One entry at a time, and only what was seen gone: the list may have grown meanwhile.
  if (await run.apply(thingName, { type: 'forget', certificate })) {
    run.repaired({ why: 'forgotten', ...finding })
  }
}

async function regionOf(run: SweepRun, thingName: string): Promise<{ region?: string }> {
  const row = await run.read(thingName)
  if (row.type !== 'record') return {}
  // Of an ended attempt the history tells where it was.
  const region = row.record.history.at(-1)?.region ?? row.record.region
  return region === undefined ? {} : { region }
}

type Named = { readonly thingName: string; readonly region?: string }

function named(thingNames: readonly string[]): Named[] {
  return thingNames.map((thingName) => ({ thingName }))
}
