import * as z from 'zod'
import type { DeviceFilter } from '../../allowlist/device-filter.ts'
import type { Position } from '../../allowlist/listing.ts'
import { deviceStatuses } from '../../provisioning/device-record.ts'

/** A listing that was left: what it lists, with its times as they were, and where it goes on. */
export type ListToken = {
  readonly filter: DeviceFilter
  /** The table itself was read. */
  readonly scan: boolean
  readonly positions: readonly Position[]
}

const tokenSchema = z.strictObject({
  filter: z.strictObject({
    status: z.enum(deviceStatuses).exactOptional(),
    product: z.string().exactOptional(),
    region: z.string().exactOptional(),
    since: z.int().exactOptional(),
    until: z.int().exactOptional(),
  }),
  scan: z.boolean(),
  positions: z
    .array(z.union([z.enum(['begin', 'end']), z.array(z.string().min(1)).min(1).max(2)]))
    .min(1)
    .max(deviceStatuses.length),
})

export function renderToken(token: ListToken): string {
  return Buffer.from(JSON.stringify(token)).toString('base64url')
}

/** undefined for what no listing wrote. */
export function findToken(text: string): ListToken | undefined {
  try {
    const parsed = tokenSchema.safeParse(
      JSON.parse(Buffer.from(text, 'base64url').toString('utf8')),
    )
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}
