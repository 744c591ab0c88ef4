import type { DeviceRecord } from './device-record.ts'

/** `saved`, or what stands in the table instead, read consistently. */
export type SaveResult =
  | { readonly saved: true }
  | { readonly saved: false; readonly current: DeviceRecord | undefined }

/**
 * The fleet's allow-list, as the protocol needs it.
 *
 * Consistency: `find` may be stale by default; the record it gives is only ever used as the `previous`
 * of a compare-and-swap. Durability: what `save` reports as saved is on stable storage in every edge's
 * table. `save` succeeds only where the row's `rev` and status are still those of `previous` (a row
 * written by hand has no `rev`). A write whose answer was lost is recognised by the row, which is as
 * the write leaves it in every attribute; attempt id and `rev` alone may be another write's.
 * Throws AppError `allow-list-unavailable` where the outcome is unknown: the write may still land.
 */
export type AllowList = {
  find(
    thingName: string,
    options: { signal: AbortSignal; consistent?: boolean },
  ): Promise<DeviceRecord | undefined>
  save(previous: DeviceRecord, next: DeviceRecord, signal: AbortSignal): Promise<SaveResult>
}

/** `removed`, or what stands in the table instead, read consistently. */
export type RemoveResult =
  | { readonly removed: true }
  | { readonly removed: false; readonly current: DeviceRecord }

/**
 * Only operators remove rows. On the same condition as `save`, and with the same doubt: throws AppError
 * `allow-list-unavailable` where the outcome is unknown.
 */
export type AllowListRemoval = {
  remove(record: DeviceRecord, signal: AbortSignal): Promise<RemoveResult>
}
