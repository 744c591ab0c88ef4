import type { CertificateRef, DeviceRecord, PlacementNote } from './device-record.ts'

/**
 * What a product says of a provisioned device that asks without its key: `refuse`, or `replace` its
 * certificate. Within `redeliverSeconds` after the commit it is replaced whatever the rule, since the
 * answer with the key that AWS IoT made may have been lost.
 */
export type Reprovisioning = {
  readonly rule: 'refuse' | 'replace'
  readonly redeliverSeconds: number
}

/** Where a device would land, and the note that its record keeps of it. */
export type Target = { readonly region: string; readonly placement: PlacementNote }

/** What an operator says of a device before it asks; what is absent stays as it is. */
export type DeviceDetails = Partial<
  Pick<DeviceRecord, 'product' | 'publicKey' | 'attributes' | 'regionPin' | 'region'>
>

/**
 * What may happen to a device record. `ask` is a device's verified request, already placed; `commit`,
 * `confirm` and `release` are steps of the attempt that the record names. `expire` and `forget` are
 * the sweeper's: an attempt that nobody will end, and a superseded certificate that was seen gone.
 * `failover` takes the same attempt to another region, while nothing is committed. `block`, `unblock`,
 * `move` and `reset` are an operator's orders; `free` ends a reset. Whatever takes a record from an
 * attempt under way brings an attempt id of its own, so that the attempt can't undo it. `amend` is what
 * an operator says of a device that nobody has begun with; of every other it is `lost`.
 *
 * `by` is who does it, as the record's history tells it.
 */
export type DeviceEvent =
  | {
      readonly type: 'ask'
      readonly by: string
      readonly attemptId: string
      /** Where the device would land; undefined where its product leaves no enabled region. */
      readonly target: Target | undefined
      readonly leaseSeconds: number
      readonly reprovisioning: Reprovisioning
      readonly csrThumbprint?: string
      /** When the request was issued, epoch milliseconds; absent under the seed contract. */
      readonly issuedAt?: number
    }
  | {
      readonly type: 'commit'
      readonly by: string
      readonly attemptId: string
      readonly certificateId: string
      readonly certificatePem: string
      readonly csrThumbprint?: string
      readonly issuedAt?: number
    }
  | {
      readonly type: 'failover'
      readonly by: string
      readonly attemptId: string
      readonly target: Target
    }
  | { readonly type: 'confirm'; readonly certificateId: string }
  | { readonly type: 'release'; readonly by: string; readonly attemptId: string }
  | {
      readonly type: 'expire'
      readonly by: string
      readonly attemptId: string
      readonly leaseSeconds: number
    }
  | { readonly type: 'forget'; readonly certificate: CertificateRef }
  | { readonly type: 'block' | 'unblock'; readonly by: string; readonly attemptId: string }
  | {
      readonly type: 'move'
      readonly by: string
      readonly attemptId: string
      readonly region: string
    }
  | {
      readonly type: 'reset'
      readonly by: string
      readonly attemptId: string
      /** For so long requests are told to wait, unless the reset ends before. */
      readonly leaseSeconds: number
    }
  | { readonly type: 'free'; readonly attemptId: string }
  | { readonly type: 'amend'; readonly by: string; readonly details: DeviceDetails }

/** What a refused device did wrong, or what stands in its way. */
export type Refusal =
  | { readonly reason: 'blocked' | 'already-provisioned' | 'too-many-superseded' }
  /** Provisioned by something else, as by the seed: what would have to be replaced isn't known. */
  | { readonly reason: 'no-certificate' }
  /** Not later than the request that the last certificate was made for: a replay, or a clock set back. */
  | { readonly reason: 'stale' }
  | { readonly reason: 'no-region' }
  | { readonly reason: 'in-progress'; readonly retryAfterSeconds: number }

export type Assignment = {
  readonly region: string
  readonly certificateId: string
  readonly certificatePem: string
  readonly attached: boolean
  readonly placement?: PlacementNote
}

/**
 * `write`: save `next` by compare-and-swap, then go on. `answer`: the device asked again with the key
 * it was given a certificate for. `done`: what the event wants is already so. `lost`: the record is
 * no longer what the event is about; an attempt that loses its record destroys its own certificate.
 */
export type Outcome =
  | { readonly type: 'write'; readonly next: DeviceRecord }
  | { readonly type: 'answer'; readonly assignment: Assignment }
  | { readonly type: 'refuse'; readonly refusal: Refusal }
  | { readonly type: 'done' }
  | { readonly type: 'lost' }
