import * as z from 'zod'
import { attributeName } from './attribute-name.ts'
import { continentCode, countryCode } from './country-code.ts'
import { readNetwork } from './network.ts'
import { regionName } from './region-name.ts'
import { findPolicyProblems } from './region-policy-problems.ts'

const network = z.string().superRefine((text, check) => {
  const read = readNetwork(text)
  if ('problem' in read) check.addIssue(`${JSON.stringify(text)} ${read.problem}`)
})

const attributeValue = z.string().max(1024)

/**
 * What a rule looks at. Every kind that is given must hold; within one kind, one of its values. A
 * device whose address has no known position is in no country and on no continent.
 */
const match = z
  .strictObject({
    countries: z.array(countryCode).nonempty().optional(),
    continents: z.array(continentCode).nonempty().optional(),
    /** Networks or single addresses that the device asks from. */
    addresses: z.array(network).nonempty().max(1000).optional(),
    /** Attributes of the device record: a value, or several of which one must be the device's. */
    attributes: z
      .record(
        attributeName,
        z.union([attributeValue, z.array(attributeValue).nonempty()], {
          error: 'must be a text, or a list of texts',
        }),
      )
      .refine((it) => Object.keys(it).length > 0, 'must name an attribute')
      .optional(),
  })
  .refine(
    (it) => Object.keys(it).length > 0,
    'must name countries, continents, addresses or attributes; what holds for all devices belongs to the policy itself',
  )

/**
 * How one of the candidates is chosen. `nearest`: by great circle. `weighted`: by a stable hash of the
 * thing name, each region in proportion to its weight. `static`: the first that can be used, in the
 * order in which the document names them.
 */
const strategy = z.enum(['nearest', 'weighted', 'static'], {
  error: 'must be nearest, weighted or static',
})

/** Shares in any unit; a region without a weight, or with 0, gets no device. */
const weights = z.partialRecord(regionName, z.number().min(0).max(1_000_000))

const rule = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$/, 'must be 1 to 64 of A-Z a-z 0-9 space . _ -')
    .optional(),
  match,
  /** The candidates of the devices that match, among the policy's allowed regions. */
  regions: z.array(regionName).nonempty(),
  /** Never left, not even where none of its regions can be used: then the device waits. */
  strict: z.boolean().default(false),
  /** Default: the policy's own. */
  strategy: strategy.optional(),
  weights: weights.optional(),
})

/**
 * Where an attempt may go on that its region fails: `candidates` further ones at most, each at most
 * `maxExtraKm` farther than the first.
 */
const failover = z.strictObject({
  candidates: z.int().min(1).max(22),
  maxExtraKm: z.number().positive().max(20_100).optional(),
})

/**
 * Where a product's devices may land. The first rule that matches, strict ones before the others,
 * narrows the candidates; without one they are `allowedRegions` (absent: all enabled ones), which bound
 * every choice. `defaultRegion` takes those whose address has no known position.
 */
export const regionPolicySchema = z
  .strictObject({
    defaultRegion: regionName,
    allowedRegions: z.array(regionName).nonempty().optional(),
    rules: z.array(rule).max(100).default([]),
    strategy: strategy.default('nearest'),
    weights: weights.optional(),
    failover: failover.optional(),
  })
  .superRefine(
    (policy, check) => {
      for (const { path, message } of findPolicyProblems(policy)) {
        check.addIssue({ code: 'custom', path: [...path], message })
      }
    },
    // Even where a field is wrong: every problem is to be told at once.
    { when: () => true },
  )

export type RegionPolicy = z.infer<typeof regionPolicySchema>
export type RegionRule = RegionPolicy['rules'][number]
export type Strategy = RegionPolicy['strategy']
export type Weights = z.infer<typeof weights>
