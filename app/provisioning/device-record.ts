import type { SigningJwk } from '../request/signing-jwk.ts'

/** The device's row in the allow-list. `docs/storage.md` says for every attribute who writes it. */
export type DeviceRecord = {
  readonly thingName: string
  readonly status: DeviceStatus
  /** Absent: the default product, until the first claim writes its name down. */
  readonly product?: string
  /** The device's own key: where there is one, no other signs for this device. */
  readonly publicKey?: SigningJwk
  /** What the product's region rules may look at. */
  readonly attributes?: Readonly<Record<string, string>>
  /** The region that an operator wants this device in, whatever the product's strategy says. */
  readonly regionPin?: string
  /** The region of the attempt under way or of the assignment. */
  readonly region?: string
  /**
   * While an attempt is under way: the region that the row named before it, where somebody else may
   * have made the thing. Only such a thing may be taken over without Landfall's mark.
   */
  readonly previousRegion?: string
  /**
   * When the record was claimed, provisioned or blocked: whichever its status says, epoch milliseconds
   * (kept in whole seconds, as the seed does). Absent on a device that only may ask.
   */
  readonly statusSince?: number
  /** Counts the writes of this record, from the time of its first one on; absent on a row written by hand. */
  readonly rev?: number
  /** Random, one for each attempt or operator's order; never derived from a request. */
  readonly attemptId?: string
  /** End of the attempt's lease, epoch milliseconds. */
  readonly leaseUntil?: number
  /** Attempts begun since the device was allowed. */
  readonly attempts?: number
  /** Certificates that must never be usable again, until somebody saw them gone. */
  readonly superseded: readonly CertificateRef[]
  readonly certificateId?: string
  readonly certificatePem?: string
  /** RFC 7638 thumbprint (SHA-256, base64url) of the CSR's key; absent for a key made by AWS IoT. */
  readonly csrThumbprint?: string
  /**
   * When the request was issued that the last committed certificate was made for, epoch milliseconds:
   * only a later one may have another made. Absent under the seed contract, which dates no request.
   */
  readonly lastIat?: number
  /** When policy and thing were seen attached, epoch milliseconds. */
  readonly attachedAt?: number
  readonly placement?: PlacementNote
  /** The last things that happened, oldest first, at most `historyLimit`. */
  readonly history: readonly HistoryEntry[]
}

export type DeviceStatus = 'unprovisioned' | 'provisioning' | 'provisioned' | 'blocked'

export type CertificateRef = { readonly region: string; readonly certificateId: string }

/** Why the device landed where it did, in one line, and how far that is. */
export type PlacementNote = { readonly reason: string; readonly distanceKm?: number }

export type HistoryEntry = {
  /** Epoch milliseconds. */
  readonly at: number
  readonly event: HistoryEvent
  readonly region?: string
  /**
   * Who did it: an operator's ARN, `edge eu-west-1`, `sweeper`. Absent in entries that were written before
   * it was kept.
   */
  readonly by?: string
}

export const historyEvents = [
  'allowed',
  'amended',
  'claimed',
  'failed-over',
  'provisioned',
  'released',
  'expired',
  'moved',
  'reset',
  'blocked',
  'unblocked',
] as const
export type HistoryEvent = (typeof historyEvents)[number]

export const deviceStatuses: readonly DeviceStatus[] = [
  'unprovisioned',
  'provisioning',
  'provisioned',
  'blocked',
]

export const historyLimit = 20

/** So many certificates wait for the sweeper at most; a device that has them is not replaced again. */
export const supersededLimit = 10

/** The layout of the record that this version writes (`schema` in the table). */
export const recordSchema = 1

/** The product of a device record that names none. */
export const defaultProductName = 'default'

/** Something else provisioned it, as the seed: its row doesn't say with which certificate. */
export function isNamedNowhere({ status, certificateId }: DeviceRecord): boolean {
  return status === 'provisioned' && certificateId === undefined
}

export function productNameOf(record: DeviceRecord): string {
  return record.product ?? defaultProductName
}

/**
 * A device that an operator has just allowed. Its revisions begin with the time (`now`, epoch
 * milliseconds): those of a row that had this name before, and was removed, never come again, so what a
 * stalled process read of that row can't be written over this one.
 */
export function allowedDevice(
  thingName: string,
  now: number,
  {
    by,
    ...given
  }: Pick<DeviceRecord, 'product' | 'publicKey' | 'attributes' | 'regionPin' | 'region'> & {
    readonly by?: string
  } = {},
): DeviceRecord {
  return {
    thingName,
    status: 'unprovisioned',
    ...given,
    rev: now,
    superseded: [],
    history: [{ at: now, event: 'allowed', ...(by === undefined ? {} : { by }) }],
  }
}
