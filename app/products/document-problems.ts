import * as z from 'zod'
import { findClosestName } from '../../regions/closest-name.ts'
import { longestDocumentBytes, type Product, productSchema } from './product.ts'
import { productJsonSchema } from './product-json-schema.ts'

/** One thing that is wrong with a document: where, what, and what to do about it. */
export type DocumentProblem = {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** Reads a product's document; else every problem that it has, in the order of the document. */
export function readProductDocument(
  value: unknown,
): { readonly product: Product } | { readonly problems: readonly DocumentProblem[] } {
  const parsed = productSchema.safeParse(value, { reportInput: true })
  if (parsed.success) {
    const { data: product } = parsed
    const bytes = Buffer.byteLength(JSON.stringify(product))
    if (bytes <= longestDocumentBytes) return { product }
    const message = `must have at most ${longestDocumentBytes} bytes as JSON, and has ${bytes}`
    return { problems: [{ path: [], message }] }
  }
  return { problems: parsed.error.issues.flatMap(explain) }
}

type Issue = z.core.$ZodIssue

function explain(issue: Issue): DocumentProblem[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
  if (issue.code === 'unrecognized_keys') {
    const known = findFields(path)
    return issue.keys.map((key) => ({ path: [...path, key], message: describeUnknown(key, known) }))
  }
  return [{ path, message: describe(issue) }]
}

function describeUnknown(key: string, known: readonly string[]): string {
  const meant = findClosestName(key, known)
  if (meant !== undefined) return `is no field of a product: did you mean ${meant}?`
  const fields = known.length === 0 ? '' : `; the fields here are ${known.join(', ')}`
  return `is no field of a product: take it out${fields}`
}

const typeNames: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'a mapping of fields',
  record: 'a mapping of fields',
  string: 'a text',
}

/** Our own messages say what to do; zod's own say what it expected. */
function describe(issue: Issue): string {
  const missing = issue.input === undefined
  switch (issue.code) {
    case 'invalid_type': {
      const wanted = typeNames[issue.expected] ?? issue.expected
      return missing ? `is missing: it must be ${wanted}` : `must be ${wanted}`
    }
    case 'too_small':
      return `must ${bound(issue.origin, 'at least', issue.minimum)}`
    case 'too_big':
      return `must ${bound(issue.origin, 'at most', issue.maximum)}`
    case 'invalid_value':
      if (!issue.message.startsWith('Invalid')) return issue.message
      return `${missing ? 'is missing: it ' : ''}must be ${issue.values.map(String).join(' or ')}`
    case 'invalid_key':
      return `is no possible name: ${issue.issues[0]?.message ?? ''}`
    case 'invalid_format':
      return issue.message.startsWith('Invalid') ? `must be ${issue.format}` : issue.message
    default:
      return issue.message
  }
}

function bound(origin: string, which: string, limit: number | bigint): string {
  const one = Number(limit) === 1
  if (origin === 'array') return `have ${which} ${limit} ${one ? 'entry' : 'entries'}`
  if (origin === 'string') return `have ${which} ${limit} ${one ? 'character' : 'characters'}`
  return `be ${which} ${limit}`
}

/** The part of a JSON Schema that this reads. */
const schemaNode = z.object({
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  additionalProperties: z.unknown().optional(),
})

/** The fields that a product may have at a path; empty where the path leads nowhere. */
function findFields(path: readonly (string | number)[]): string[] {
  let node = schemaNode.safeParse(productJsonSchema()).data
  for (const part of path) {
    const next =
      typeof part === 'number'
        ? node?.items
        : (node?.properties?.[part] ?? node?.additionalProperties)
    node = schemaNode.safeParse(next).data
  }
  return Object.keys(node?.properties ?? {})
}
