import { randomUUID } from 'node:crypto'
import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ControlTable } from '../../../app/products/control-row.ts'
import { readProducts } from '../../../app/products/control-table.ts'
import { type Product, productSchema } from '../../../app/products/product.ts'
import { type StoredProduct, versionRowName } from '../../../app/products/product-row.ts'
import {
  applyProduct,
  findProduct,
  findVersionDocument,
  listVersions,
  versionLimit,
} from '../../../app/products/product-store.ts'
import { stateOf } from '../../../app/products/version-state.ts'
import { type Stage, setStage } from '../../stage.ts'

let stage: Stage
let control: ControlTable
let template: Product

beforeAll(async () => {
  stage = await setStage(['eu-west-1'])
  const signal = AbortSignal.timeout(60_000)
  control = { client: stage.dynamoDb, table: 'iot-global-control', signal }
  const { products } = await readProducts(control.client, control.table, signal)
  const product = products.get('default')
  if (product === undefined) throw new Error('the stage has no product')
  template = product
})
afterEach(() => stage.clearFaults())
afterAll(() => stage?.close())

/** The template under another name, told apart by how long lost answers count. */
const make = (name: string, redeliverSeconds = 0) =>
  productSchema.parse({ ...template, name, reprovisioning: { redeliverSeconds } })

/** Applies over what is there now, or over what was `seen` then. */
async function apply(product: Product, seen?: StoredProduct) {
  return await applyProduct(control, {
    product,
    seen: seen ?? (await findProduct(control, product.name)),
    appliedBy: 'someone',
    now: Date.now(),
    applyId: randomUUID(),
  })
}

/** What stands there, as the number that `make` was given, and every version's number and state. */
async function stateIn(name: string) {
  const stored = await findProduct(control, name)
  const versions = await listVersions(control, name)
  const states = stored === undefined ? new Map() : stateOf(stored, versions)
  return {
    current: stored && [
      stored.version,
      JSON.parse(stored.document ?? '').reprovisioning.redeliverSeconds,
    ],
    versions: versions.map((it) => [it.version, states.get(it.version) ?? 'unknown']),
  }
}

describe('applyProduct', () => {
  it('numbers versions, keeps each, and gives the current one to edges', async () => {
    expect(await apply(make('numbered', 1))).toEqual({ applied: true, version: 1 })
    expect(await apply(make('numbered', 2))).toEqual({ applied: true, version: 2 })
    expect(await stateIn('numbered')).toEqual({
      current: [2, 2],
      versions: [
        [2, 'current'],
        [1, 'earlier'],
      ],
    })
    expect(await findVersionDocument(control, 'numbered', 1)).toBe(
      JSON.stringify(make('numbered', 1)),
    )
    const { products, problems } = await readProducts(control.client, control.table, control.signal)
    expect(products.get('numbered')?.reprovisioning.redeliverSeconds).toBe(2)
    // Its signer is the template's.
    expect(problems).toEqual([
      'product numbered: signer fleet is product default’s'.replace('’', "'"),
    ])
  })

  it('writes nothing over what was not seen: a newer version, one by hand, none', async () => {
    await apply(make('swapped', 1))
    const seen = await findProduct(control, 'swapped')
    await apply(make('swapped', 2))
    const late = await apply(make('swapped', 3), seen)
    expect(late).toMatchObject({ applied: false, current: { version: 2 } })
    expect((await stateIn('swapped')).current).toEqual([2, 2])

    const document = JSON.stringify(make('swapped', 4))
    const Item = { kind: { S: 'product' }, name: { S: 'swapped' }, document: { S: document } }
    const before = await findProduct(control, 'swapped')
    await control.client.send(new PutItemCommand({ TableName: control.table, Item }))
    expect(await apply(make('swapped', 5), before)).toMatchObject({ applied: false })
    // Over the row by hand itself it goes on, with a number of its own.
    expect(await apply(make('swapped', 6))).toMatchObject({ applied: true })
    expect((await stateIn('swapped')).current?.[1]).toBe(6)
  })

  it('lets one of many win that apply over the same version, and tells the others', async () => {
    await apply(make('raced', 1))
    const seen = await findProduct(control, 'raced')
    const outcomes = await Promise.all([2, 3, 4, 5].map((it) => apply(make('raced', it), seen)))
    const winners = outcomes.flatMap((it, index) => (it.applied ? [[it.version, index + 2]] : []))
    expect(winners).toHaveLength(1)
    const { current, versions } = await stateIn('raced')
    expect(current).toEqual(winners[0])
    expect(versions.filter(([, state]) => state === 'current')).toHaveLength(1)
    expect(versions).toContainEqual([1, 'earlier'])
  })

  it.each([
    ['PutItem', 'lost'],
    ['PutItem', 'error-after'],
    ['UpdateItem', 'lost'],
    ['UpdateItem', 'error-after'],
  ])('recognises its own write where the answer of %s is %s', async (operation, kind) => {
    const name = `own-${operation}-${kind}`
    await apply(make(name, 1))
    await stage.fault({ service: 'dynamodb', operation, kind })
    expect(await apply(make(name, 2))).toEqual({ applied: true, version: 2 })
    expect(await stateIn(name)).toMatchObject({ current: [2, 2] })
  })

  it('leaves the product as it was where the version can’t be written', async () => {
    await apply(make('unwritten', 1))
    await stage.fault({ operation: 'PutItem', kind: 'error-before', times: null })
    await expect(apply(make('unwritten', 2))).rejects.toMatchObject({
      code: 'products-unavailable',
    })
    expect(await stateIn('unwritten')).toEqual({ current: [1, 1], versions: [[1, 'current']] })
  })

  it('goes on after a crash between its two writes, and the history tells', async () => {
    await apply(make('crashed', 1))
    await stage.fault({ operation: 'UpdateItem', kind: 'error-before', times: null })
    await expect(apply(make('crashed', 2))).rejects.toMatchObject({ code: 'products-unavailable' })
    await stage.clearFaults()
    expect((await stateIn('crashed')).current).toEqual([1, 1])
    expect(await apply(make('crashed', 3))).toEqual({ applied: true, version: 3 })
    expect(await stateIn('crashed')).toEqual({
      current: [3, 3],
      versions: [
        [3, 'current'],
        [2, 'never current'],
        [1, 'earlier'],
      ],
    })
  })

  it('keeps so many versions and no more', async () => {
    await Promise.all(
      Array.from({ length: versionLimit + 3 }, async (_, index) => {
        const name = { S: versionRowName('long', index + 1) }
        const Item = { kind: { S: 'product-version' }, name, version: { N: String(index + 1) } }
        await control.client.send(new PutItemCommand({ TableName: control.table, Item }))
      }),
    )
    const version = versionLimit + 4
    expect(await apply(make('long'))).toEqual({ applied: true, version })
    const { versions } = await stateIn('long')
    expect(versions).toHaveLength(versionLimit)
    expect([versions[0]?.[0], versions.at(-1)?.[0]]).toEqual([version, 5])
  })

  it('refuses a document that no row could hold', async () => {
    const attributes = Object.fromEntries(
      Array.from({ length: 400 }, (_, index) => [`a${index}`, 'x'.repeat(1000)]),
    )
    const tests = [{ attributes, region: 'eu-west-1' }]
    const huge = productSchema.parse({ ...make('huge'), tests })
    await expect(apply(huge)).rejects.toMatchObject({ code: 'invalid-request' })
    expect(await findProduct(control, 'huge')).toBe(undefined)
  })
})
