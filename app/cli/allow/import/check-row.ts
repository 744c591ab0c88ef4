import * as z from 'zod'
import { attributeName } from '../../../../regions/attribute-name.ts'
import { findRegion } from '../../../../regions/catalogue.ts'
import { findClosestName } from '../../../../regions/closest-name.ts'
import type { Product } from '../../../products/product.ts'
import type { DeviceDetails } from '../../../provisioning/device-event.ts'
import { signingJwk } from '../../../request/signing-jwk.ts'
import { isThingName } from '../../../request/thing-name.ts'
import type { ImportColumn } from './columns.ts'
import { findMissingProduct, findPinProblem } from './record-problem.ts'

/** What rows are held to: read once, before the first. */
export type RowRules = {
  readonly products: ReadonlyMap<string, Product>
  readonly enabledRegions: readonly string[]
  /** Rows may leave out what their devices have: the record is judged where it is read. */
  readonly update?: boolean
}

export type CheckedRow = { readonly thingName: string; readonly details: DeviceDetails }

const jsonText = z.preprocess((value, check) => {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value) as unknown
  } catch {
    check.addIssue({ code: 'custom', message: 'must be JSON' })
    return z.NEVER
  }
}, z.unknown())
const publicKey = jsonText.pipe(signingJwk)
const attributes = jsonText.pipe(z.record(attributeName, z.string()))

/**
 * Holds a row to what a device record may be: pure. Every problem is told at once, as the rest of a
 * sentence. A pin is held to the product's policy by what is known beforehand: the attributes, and not
 * where the device is.
 */
export function checkRow(
  values: Readonly<Record<string, unknown>>,
  rules: RowRules,
): CheckedRow | { readonly problem: string } {
  const problems: string[] = []
  const read = <T>(column: ImportColumn, parse: (value: unknown) => T | Problem): T | undefined => {
    const value = values[column]
    if (value === undefined) return undefined
    const parsed = parse(value)
    if (!(parsed instanceof Problem)) return parsed
    problems.push(`${column} ${parsed.message}`)
    return undefined
  }

  const thingName = read('thing_name', parseThingName)
  if (values.thing_name === undefined) problems.push('thing_name is missing')
  read('prov_status', parseStatus)
  const product = read('product', (value) => parseProduct(value, rules))
  const isWhole = rules.update !== true
  const missing = isWhole && values.product === undefined && findMissingProduct({}, rules)
  if (missing) problems.push(missing)
  const details: DeviceDetails = {
    ...given('product', product),
    ...given(
      'publicKey',
      read('public_key', (value) => parseBy(publicKey, value)),
    ),
    ...given(
      'attributes',
      read('attributes', (value) => parseBy(attributes, value)),
    ),
    ...given(
      'regionPin',
      read('region_pin', (value) => parseRegion(value, rules)),
    ),
    ...given(
      'region',
      read('aws_region', (value) => parseRegion(value, rules)),
    ),
  }
  if (problems.length === 0 && thingName !== undefined) {
    const problem = isWhole ? findPinProblem(details, rules) : undefined
    if (problem === undefined) return { thingName, details }
    problems.push(problem)
  }
  return { problem: problems.join('; ') }
}

class Problem {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

function given<K extends string, T>(name: K, value: T | undefined) {
  // A computed key widens to string; the type says again what it is.
  return (value === undefined ? {} : { [name]: value }) as { readonly [N in K]?: T }
}

function parseThingName(value: unknown): string | Problem {
  if (typeof value === 'string' && isThingName(value)) return value
  return new Problem(
    `${shown(value)} is none: 1 to 128 characters of letters, digits, ":", "_" and "-"`,
  )
}

function parseStatus(value: unknown): string | Problem {
  if (value === 'unprovisioned') return value
  return new Problem(`is ${shown(value)}: only unprovisioned devices can be imported`)
}

function parseProduct(value: unknown, { products }: RowRules): string | Problem {
  if (typeof value !== 'string') return new Problem(`${shown(value)} is no text`)
  if (products.has(value)) return value
  const meant = findClosestName(value, [...products.keys()])
  return new Problem(`${shown(value)} doesn’t exist${meant === undefined ? '' : ` (${meant}?)`}`)
}

function parseRegion(value: unknown, { enabledRegions }: RowRules): string | Problem {
  if (typeof value !== 'string' || findRegion(value) === undefined) {
    return new Problem(`${shown(value)} is no Region with AWS IoT Core`)
  }
  return enabledRegions.includes(value) ? value : new Problem(`${value} is not enabled`)
}

function parseBy<T>(schema: z.ZodType<T>, value: unknown): T | Problem {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map((it) => {
    const inner = 'issues' in it && Array.isArray(it.issues) ? it.issues[0]?.message : undefined
    return `${it.path.map((part) => `${String(part)} `).join('')}${inner ?? it.message}`
  })
  return new Problem(issues.join(', '))
}

const longestShown = 60

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text
}
