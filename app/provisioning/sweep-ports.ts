import type { DeviceRecord } from './device-record.ts'

/** A row of the allow-list: a device record, or one that can't be read as one. */
export type ScannedRow =
  | { readonly type: 'record'; readonly record: DeviceRecord }
  | {
      readonly type: 'unreadable'
      readonly thingName: string
      readonly problem: string
      /** The certificate it names, as far as that can be told. */
      readonly certificateId?: string
      /** It may stand for an attempt that goes on. */
      readonly attempting: boolean
    }

export type AllowListScan = {
  /** Every row, each read consistently. Throws AppError `allow-list-unavailable`. */
  scan(signal: AbortSignal): AsyncIterable<ScannedRow>
}

/** What one sweep of a region leaves for the next. */
export type SweepMark = {
  /** Epoch milliseconds: of what was created before, only `pending` is to be looked at again. */
  readonly reachedAt: number
  /** Ids of the certificates that the sweep couldn't settle. */
  readonly pending: readonly string[]
}

/** Marks are a convenience: a lost one only makes the next sweep look at everything. */
export type SweepMarks = {
  find(region: string, signal: AbortSignal): Promise<SweepMark | undefined>
  save(region: string, mark: SweepMark, signal: AbortSignal): Promise<void>
}

/** A region remembers so many unsettled certificates; with more it looks at a longer time again. */
export const pendingLimit = 1000
