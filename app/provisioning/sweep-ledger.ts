import type { ListedCertificate } from '../../regions/iot-audit.ts'
import type { DeviceRecord } from './device-record.ts'
import { leaseHolds } from './judge.ts'
import type { ScannedRow } from './sweep-ports.ts'

/** What was listed in one region before the allow-list was scanned. */
export type Listing = {
  readonly region: string
  /** Epoch milliseconds; undefined: all. */
  readonly since: number | undefined
  readonly certificates: ReadonlyMap<string, ListedCertificate>
}

/** What a scan found to do, by name: each record is read again before anything is done about it. */
export type Ledger = {
  readonly rows: number
  /** Thing names by the certificate that their record names, of the certificates in question. */
  readonly named: ReadonlyMap<string, string>
  /** ACTIVE, recorded and confirmed: nothing to look at. */
  readonly settled: ReadonlySet<string>
  /** Attempts whose lease has ended. */
  readonly ended: readonly string[]
  /** Blocked by hand: the record still names its certificate. */
  readonly blockedByHand: readonly string[]
  readonly superseded: readonly string[]
  /** Things that may have further certificates, older than what was listed. */
  readonly suspects: readonly string[]
  /** Recorded certificates to look at though they weren't listed. */
  readonly unlisted: readonly {
    readonly region: string
    readonly certificateId: string
    readonly thingName: string
  }[]
  readonly unreadable: readonly Extract<ScannedRow, { type: 'unreadable' }>[]
}

/** Clocks differ by less: AWS refuses signatures that are five minutes off. */
const skewMilliseconds = 300_000

/** Reads a scan that began at `now` (epoch milliseconds), after the listings were made. */
export async function readLedger(
  rows: AsyncIterable<ScannedRow>,
  listings: readonly Listing[],
  rules: { readonly now: number; readonly leaseSeconds: number },
): Promise<Ledger> {
  const byRegion = new Map(listings.map((it) => [it.region, it]))
  const isListed = (id: string) => listings.some((it) => it.certificates.has(id))
  // Where everything was listed, nothing older can be attached.
  const windows = listings.flatMap((it) => (it.since === undefined ? [] : [it.since]))
  const suspectSince = windows.length === 0 ? undefined : Math.min(...windows)
  let count = 0
  const named = new Map<string, string>()
  const settled = new Set<string>()
  const ended: string[] = []
  const blockedByHand: string[] = []
  const superseded: string[] = []
  const suspects: string[] = []
  const unlisted: Ledger['unlisted'][number][] = []
  const unreadable: Ledger['unreadable'][number][] = []

  function noteNamed(record: DeviceRecord, certificateId: string): void {
    const { thingName, region } = record
    const listing = region === undefined ? undefined : byRegion.get(region)
    const listed = listing?.certificates.get(certificateId)
    if (isListed(certificateId)) named.set(certificateId, thingName)
    if (record.status !== 'provisioned' || listing === undefined) return
    const confirmed = record.attachedAt !== undefined
    if (listed?.active && confirmed) settled.add(certificateId)
    if (listed !== undefined || region === undefined) return
    const at = record.statusSince ?? 0
    // Committed after the listing, perhaps: the next sweep's.
    if (at >= rules.now - skewMilliseconds) return
    const due = at - 2 * rules.leaseSeconds * 1000 - skewMilliseconds >= (listing.since ?? 0)
    if (due || !confirmed) unlisted.push({ region, certificateId, thingName })
  }

  for await (const row of rows) {
    count += 1
    if (row.type === 'unreadable') {
      unreadable.push(row)
      if (row.certificateId !== undefined && isListed(row.certificateId)) {
        named.set(row.certificateId, row.thingName)
      }
      continue
    }
    const { record } = row
    const { thingName, status, region, certificateId } = record
    const here = region === undefined || byRegion.has(region)
    if (certificateId !== undefined) noteNamed(record, certificateId)
    if (record.superseded.length > 0) superseded.push(thingName)
    if (status === 'provisioning' && here && !leaseHolds(record, rules.leaseSeconds, rules.now)) {
      ended.push(thingName)
    }
    if (status === 'blocked' && certificateId !== undefined && here) blockedByHand.push(thingName)
    if (suspectSince !== undefined && isSuspect(record, suspectSince)) suspects.push(thingName)
  }
  return {
    rows: count,
    named,
    settled,
    ended,
    blockedByHand,
    superseded,
    suspects,
    unlisted,
    unreadable,
  }
}

/** A row that a hand overwrote has forgotten its certificate; so has the record that came after it. */
function isSuspect(record: DeviceRecord, since: number): boolean {
  if (record.status === 'blocked') return record.rev === undefined
  return record.status === 'provisioned' && (record.statusSince ?? 0) >= since
}

/** What a later scan says of certificates that hang on no thing, and that no record named before. */
export type StrayLedger = {
  /** Rows that are device records. */
  readonly records: number
  readonly named: ReadonlyMap<string, string>
  /** Thing names by key thumbprint. */
  readonly byKey: ReadonlyMap<string, string>
  /** Epoch milliseconds: see Evidence. */
  readonly attemptsSince: number | undefined
}

/** `ignored`: attempts that a dry run didn't end, but a real one would have. */
export async function readStrayLedger(
  rows: AsyncIterable<ScannedRow>,
  strays: readonly { readonly certificateId: string; readonly keyThumbprint: string }[],
  rules: { readonly leaseSeconds: number; readonly ignored: ReadonlySet<string> },
): Promise<StrayLedger> {
  const ids = new Set(strays.map((it) => it.certificateId))
  const keys = new Set(strays.map((it) => it.keyThumbprint))
  const named = new Map<string, string>()
  const byKey = new Map<string, string>()
  let records = 0
  let attemptsSince = Number.POSITIVE_INFINITY
  for await (const row of rows) {
    const it = row.type === 'record' ? row.record : row
    if (it.certificateId !== undefined && ids.has(it.certificateId)) {
      named.set(it.certificateId, it.thingName)
    }
    if (row.type === 'unreadable') {
      if (row.attempting) attemptsSince = Number.NEGATIVE_INFINITY
      continue
    }
    records += 1
    const { csrThumbprint, status, leaseUntil, thingName } = row.record
    if (csrThumbprint !== undefined && keys.has(csrThumbprint)) byKey.set(csrThumbprint, thingName)
    if (status !== 'provisioning' || rules.ignored.has(thingName)) continue
    const begun = leaseUntil === undefined ? 0 : leaseUntil - 2 * rules.leaseSeconds * 1000
    attemptsSince = Math.min(attemptsSince, begun - skewMilliseconds)
  }
  return {
    records,
    named,
    byKey,
    attemptsSince: attemptsSince === Number.POSITIVE_INFINITY ? undefined : attemptsSince,
  }
}
