import * as z from 'zod'

const date = z.iso.datetime({
  offset: true,
  error: 'must be a date with time and zone, like 2026-11-25T00:00:00Z',
})

/** From when until when a key or an authority is trusted; without a bound always. */
export const validity = z.strictObject({
  notBefore: date.optional(),
  notAfter: date.optional(),
})

export type Validity = z.infer<typeof validity>

/** Whether it is trusted at this moment, epoch milliseconds. */
export function isValidAt({ notBefore, notAfter }: Validity, now: number): boolean {
  const from = notBefore === undefined ? Number.NEGATIVE_INFINITY : Date.parse(notBefore)
  const until = notAfter === undefined ? Number.POSITIVE_INFINITY : Date.parse(notAfter)
  return from <= now && now <= until
}
