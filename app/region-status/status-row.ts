import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import * as z from 'zod'
import type { SharedBreaker } from '../../regions/breaker.ts'
import { regionErrorCodes } from '../../regions/region-error.ts'

type Row = Record<string, AttributeValue>

/** What an operator says of a region: `draining` takes no new devices. Times in epoch milliseconds. */
export type OperatorStatus = {
  readonly region: string
  readonly status: 'active' | 'draining'
  readonly since?: number
  /** The ARN that AWS knows the operator by. */
  readonly by?: string
  readonly note?: string
}

/** How one region's breaker stands at one edge, as a process there last wrote it. */
export type EdgeBreaker = {
  readonly edge: string
  readonly region: string
  readonly breaker: SharedBreaker
}

export const statusKind = 'region'
export const breakerKind = 'breaker'

export const breakerRowName = (edge: string, region: string) => `${edge}#${region}`

const time = z.iso.datetime().transform((text) => Date.parse(text))

const statusRow = z.object({
  name: z.string(),
  status: z.enum(['active', 'draining']),
  since: time.optional(),
  by: z.string().optional(),
  note: z.string().optional(),
})

const breakerRow = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('closed'),
    since: time,
    last_error: z.enum(regionErrorCodes).optional(),
  }),
  z.object({
    state: z.literal('open'),
    since: time,
    until: time,
    last_error: z.enum(regionErrorCodes),
  }),
])

/** Undefined for a row that can't be used. */
export function parseStatus(row: Row): OperatorStatus | undefined {
  const { data } = statusRow.safeParse(texts(row))
  if (data === undefined) return undefined
  const { name: region, status, since, by, note } = data
  return {
    region,
    status,
    ...(since === undefined ? {} : { since }),
    ...(by === undefined ? {} : { by }),
    ...(note === undefined ? {} : { note }),
  }
}

/** Undefined for a row that can't be used. */
export function parseBreaker(row: Row): EdgeBreaker | undefined {
  const [edge, region, ...more] = (row.name?.S ?? '').split('#')
  const { data } = breakerRow.safeParse(texts(row))
  if (!edge || !region || more.length > 0 || data === undefined) return undefined
  if (data.state === 'closed') {
    const { state, since, last_error: lastError } = data
    return { edge, region, breaker: { state, since, ...(lastError && { lastError }) } }
  }
  const { state, since, until, last_error: lastError } = data
  return { edge, region, breaker: { state, since, until, lastError } }
}

export function renderStatus({ region, status, since, by, note }: OperatorStatus): Row {
  return strings({
    kind: statusKind,
    name: region,
    status,
    since: since === undefined ? undefined : iso(since),
    by,
    note,
  })
}

export function renderBreaker({ edge, region, breaker }: EdgeBreaker): Row {
  return strings({
    kind: breakerKind,
    name: breakerRowName(edge, region),
    state: breaker.state,
    since: iso(breaker.since),
    until: breaker.state === 'open' ? iso(breaker.until) : undefined,
    last_error: breaker.lastError,
  })
}

function iso(epochMilliseconds: number): string {
  return new Date(epochMilliseconds).toISOString()
}

function texts(row: Row): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value.S]))
}

function strings(values: Readonly<Record<string, string | undefined>>): Row {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, S]) => (S === undefined ? [] : [[name, { S }]])),
  )
}
