import * as z from 'zod'
import { productSchema } from './product.ts'

/**
 * A product's document as JSON Schema (draft 2020-12), for editors. What holds between fields, and
 * whether a key is one, only `landfall product check` can tell.
 */
export function productJsonSchema(): Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(productSchema, { io: 'input', reused: 'inline' })
  return { title: 'A product of Landfall', ...schema }
}
