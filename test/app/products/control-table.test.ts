import { generateKeyPairSync } from 'node:crypto'
import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { putProduct, readProducts } from '../../../app/products/control-table.ts'
import { productSchema } from '../../../app/products/product.ts'
import { type Stage, setStage } from '../../stage.ts'

const TableName = 'iot-global-control'
let stage: Stage

beforeAll(async () => {
  stage = await setStage(['eu-west-1'])
})
afterAll(() => stage?.close())

const read = () => readProducts(stage.dynamoDb, TableName, AbortSignal.timeout(10_000))
const put = (name: string, document: string) =>
  stage.dynamoDb.send(
    new PutItemCommand({
      TableName,
      Item: { kind: { S: 'product' }, name: { S: name }, document: { S: document } },
    }),
  )

it('gives the products that it holds, and no wrong one', async () => {
  await put('broken', '{')
  await put('odd', '{"name":"odd"}')
  await put('renamed', JSON.stringify((await read()).products.get('default')))
  const snapshot = await read()
  expect([...snapshot.products.keys()]).toEqual(['default'])
  expect(snapshot.signers.map((it) => [it.product, it.kid])).toEqual([['default', 'fleet']])
  expect(snapshot.problems).toEqual([
    'product broken: its document is no JSON',
    expect.stringMatching(/^product odd: signers: /),
    'product renamed: its document has another name',
  ])
})

it('leaves a key that two products name to one of them, and says so', async () => {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const { kty, n, e } = publicKey.export({ format: 'jwk' })
  for (const name of ['lamps', 'bulbs']) {
    const product = productSchema.parse({
      name,
      signers: [{ kid: `of-${name}`, contracts: ['seed'], jwk: { kty, n, e } }],
      regionPolicy: { defaultRegion: 'eu-west-1' },
    })
    await putProduct(stage.dynamoDb, TableName, product)
  }
  const snapshot = await read()
  expect(snapshot.signers.map((it) => it.kid)).toEqual(['of-bulbs', 'fleet'])
  expect(snapshot.problems).toContain("product lamps: signer of-lamps is product bulbs's")
})
