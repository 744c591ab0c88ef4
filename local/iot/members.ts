import { z } from 'zod'

/** Member shapes of the AWS IoT API (its service model), with their patterns and lengths. */

const name = /^[a-zA-Z0-9:_-]{1,128}$/

export const thingName = z.string().regex(name, 'must match [a-zA-Z0-9:_-]{1,128}')
export const thingTypeName = thingName
export const thingGroupName = thingName

export const policyName = z
  .string()
  .regex(/^[a-zA-Z0-9_+=,.@-]{1,128}$/, 'must match [\\w+=,.@-]{1,128}')

export const certificateId = z.string().regex(/^[a-f0-9]{64}$/, 'must be 64 hexadecimal digits')

const attributeName = z
  .string()
  .regex(/^[a-zA-Z0-9_.,@/:#-]{1,128}$/, 'an attribute name must match [a-zA-Z0-9_.,@/:#-]{1,128}')

const attributeValue = z
  .string()
  .regex(
    /^[a-zA-Z0-9_.,@/:#=[\]-]{0,800}$/,
    'an attribute value must match [a-zA-Z0-9_.,@/:#=\\[\\]-]{0,800}',
  )

export const attributePayload = z
  .object({
    attributes: z.record(attributeName, attributeValue).nullish(),
    merge: z.boolean().nullish(),
  })
  .optional()

export const principalType = z.enum(
  ['EXCLUSIVE_THING', 'NON_EXCLUSIVE_THING'],
  'must be EXCLUSIVE_THING or NON_EXCLUSIVE_THING',
)

export const version = z.coerce.number().int().optional()
