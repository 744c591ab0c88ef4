import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { readDocumentFile } from '../../app/cli/product/document-file.ts'
import { productJsonSchema } from '../../app/products/product-json-schema.ts'
import { runProductTests } from '../../app/products/product-test.ts'

const text = await readFile(new URL('../../docs/region-policies.md', import.meta.url), 'utf8')
const file = new URL('../../docs/examples/lamps.yaml', import.meta.url).pathname
const enabledRegions = ['eu-west-1', 'eu-central-1', 'us-east-1', 'ap-northeast-1']

/** The names of all fields in a JSON Schema. */
function fieldsIn(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const { properties = {} } = schema as { properties?: object }
  return [...Object.keys(properties), ...Object.values(schema).flatMap(fieldsIn)]
}

describe('docs/region-policies.md', () => {
  it('names every field that a document may have', () => {
    const named = new Set([...text.matchAll(/[$\w]+/g)].map(([word]) => word))
    const inKeys = ['kty', 'n', 'e', 'use', 'alg', 'key_ops']
    const missing = fieldsIn(productJsonSchema()).filter((it) => !named.has(it))
    expect([...new Set(missing)].filter((it) => !inKeys.includes(it))).toEqual([])
  })

  it('has an example that is a product, and whose tests pass without location data', async () => {
    const { product, problems } = await readDocumentFile(file)
    expect(problems).toEqual([])
    if (product === undefined) throw new Error('no product')
    const results = runProductTests(product, { enabledRegions, locate: () => undefined })
    expect(results).toHaveLength(6)
    expect(results.filter((it) => it.problem !== undefined)).toEqual([])
  })
})
