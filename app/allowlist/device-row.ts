import { isDeepStrictEqual } from 'node:util'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import * as z from 'zod'
import { attributeName } from '../../regions/attribute-name.ts'
import { AppError } from '../app-error.ts'
import {
  type DeviceRecord,
  deviceStatuses,
  historyEvents,
  recordSchema,
} from '../provisioning/device-record.ts'
import { signingJwk } from '../request/signing-jwk.ts'

export type Row = Record<string, AttributeValue>

const timestamp = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))
const region = z.string().min(1)
/** A member that is JSON as text, as it stands in a CSV file and in the AWS CLI's `{"S": …}`. */
const jsonText = z.string().transform((text, check) => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    check.addIssue('must be JSON as text')
    return z.NEVER
  }
})

/** A row as it lies in the table; attributes that Landfall doesn't know are left alone. */
const rowSchema = z.object({
  thing_name: z.string(),
  prov_status: z.enum(deviceStatuses),
  product: z.string().optional(),
  public_key: jsonText.pipe(signingJwk).optional(),
  attributes: z.record(attributeName, z.string()).optional(),
  region_pin: region.optional(),
  aws_region: region.optional(),
  previous_region: region.optional(),
  prov_datetime: z.iso
    .datetime({ local: true })
    .transform((text) => Date.parse(/Z$|[+-]\d\d:\d\d$/.test(text) ? text : `${text}Z`))
    .optional(),
  rev: z.int().nonnegative().optional(),
  attempt_id: z.string().optional(),
  lease_until: timestamp.optional(),
  attempts: z.int().nonnegative().optional(),
  superseded: z.array(z.object({ region, certificate_id: z.string() })).default([]),
  certificate_id: z.string().optional(),
  certificate_pem: z.string().optional(),
  csr_thumbprint: z.string().optional(),
  last_iat: z.number().nonnegative().optional(),
  attached_at: timestamp.optional(),
  placement: z.object({ reason: z.string(), distance_km: z.number().optional() }).optional(),
  history: z
    .array(
      z.object({
        at: timestamp,
        event: z.enum(historyEvents),
        region: region.optional(),
        by: z.string().optional(),
      }),
    )
    .default([]),
  schema: z.int().max(recordSchema, 'was written by a newer Landfall').optional(),
})

/** The attributes that a row may have by Landfall's own layout, the key first. */
export const rowAttributes: readonly string[] = Object.keys(rowSchema.shape)

/** Reads a row; throws AppError `conflict`, naming the attributes, where it isn't a device record. */
export function parseRow(row: Row): DeviceRecord {
  const parsed = rowSchema.safeParse(readValues(row))
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    throw unreadable(row, problems.join('; '))
  }
  const it = parsed.data
  return defined({
    thingName: it.thing_name,
    status: it.prov_status,
    product: it.product,
    publicKey: it.public_key,
    attributes: it.attributes,
    regionPin: it.region_pin,
    region: it.aws_region,
    previousRegion: it.previous_region,
    statusSince: it.prov_datetime,
    rev: it.rev,
    attemptId: it.attempt_id,
    leaseUntil: it.lease_until,
    attempts: it.attempts,
    superseded: it.superseded.map((entry) => ({
      region: entry.region,
      certificateId: entry.certificate_id,
    })),
    certificateId: it.certificate_id,
    certificatePem: it.certificate_pem,
    csrThumbprint: it.csr_thumbprint,
    lastIat: it.last_iat === undefined ? undefined : Math.round(it.last_iat * 1000),
    attachedAt: it.attached_at,
    placement:
      it.placement &&
      defined({ reason: it.placement.reason, distanceKm: it.placement.distance_km }),
    history: it.history.map((entry) => defined(entry)),
  })
}

/** DynamoDB's numbers may be longer than JavaScript's, in attributes that others keep here too. */
function readValues(row: Row): Record<string, unknown> {
  try {
    return unmarshall(row)
  } catch (error) {
    throw unreadable(row, error instanceof Error ? error.message : String(error))
  }
}

function unreadable(row: Row, why: string): AppError {
  return new AppError('conflict', `row ${row.thing_name?.S ?? '?'} is no device record: ${why}`)
}

/** The attributes that Landfall owns, as the table keeps them; times are ISO 8601 in UTC. */
export function renderRow(record: DeviceRecord): Row {
  const it = record
  return marshall(
    {
      thing_name: it.thingName,
      prov_status: it.status,
      product: it.product,
      public_key: it.publicKey === undefined ? undefined : JSON.stringify(it.publicKey),
      attributes: it.attributes,
      region_pin: it.regionPin,
      aws_region: it.region,
      previous_region: it.previousRegion,
      // The seed's form: UTC, whole seconds, no zone.
      prov_datetime: it.statusSince === undefined ? undefined : iso(it.statusSince).slice(0, 19),
      rev: it.rev,
      attempt_id: it.attemptId,
      lease_until: it.leaseUntil === undefined ? undefined : iso(it.leaseUntil),
      attempts: it.attempts,
      superseded:
        it.superseded.length === 0
          ? undefined
          : it.superseded.map((entry) => ({
              region: entry.region,
              certificate_id: entry.certificateId,
            })),
      certificate_id: it.certificateId,
      certificate_pem: it.certificatePem,
      csr_thumbprint: it.csrThumbprint,
      // A NumericDate (RFC 7519 section 2), as the request had it.
      last_iat: it.lastIat === undefined ? undefined : it.lastIat / 1000,
      attached_at: it.attachedAt === undefined ? undefined : iso(it.attachedAt),
      placement: it.placement && {
        reason: it.placement.reason,
        distance_km: it.placement.distanceKm,
      },
      history:
        it.history.length === 0
          ? undefined
          : it.history.map((entry) => ({ ...entry, at: iso(entry.at) })),
      schema: recordSchema,
    },
    // An attribute named "constructor" must not be taken for one.
    { removeUndefinedValues: true, convertClassInstanceToMap: true },
  )
}

/**
 * Whether a row is as a write leaves it. Attempt id and revision alone don't tell: an operator's move and
 * a confirmation may follow on the same commit, and both keep its attempt id.
 */
export function isSameRow(current: DeviceRecord, next: DeviceRecord): boolean {
  return isDeepStrictEqual(renderRow(current), renderRow(next))
}

function iso(epochMilliseconds: number): string {
  return new Date(epochMilliseconds).toISOString()
}

type Defined<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K]
} & { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> }

/** Leaves out the members that are undefined, as exactOptionalPropertyTypes wants it. */
function defined<T extends object>(members: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
    // The filter does at run time what the type says; no narrower type can be inferred for it.
  ) as Defined<T>
}
