import { DynamoDBClient, PutItemCommand, type TableDescription } from '@aws-sdk/client-dynamodb'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createTables } from '../../app/allowlist/tables.ts'
import { type LocalAws, startLocalAws } from '../../local/aws.ts'
import { mismatch, refuseOtherConsistency } from '../../stacks/existing-table.ts'
import { PlanError, parsePlan, type RouterPlan } from '../../stacks/plan.ts'

const deviceRegions = [{ region: 'eu-west-1' }]
const domain = { name: 'devices.landfall.io', zone: 'landfall.io' }

function routerPlan(edges: string[], witness?: string): RouterPlan {
  const input = { edges, deviceRegions, domain, ...(witness === undefined ? {} : { witness }) }
  const plan = parsePlan('test', input)
  if (plan.kind !== 'router') throw new Error('no router')
  return plan
}
const one = routerPlan(['eu-west-1'])
const two = routerPlan(['eu-west-1', 'eu-central-1'], 'eu-west-2')

describe('a table that is there', () => {
  const plain = { TableName: 'allowed' }
  const eventual = { ...plain, MultiRegionConsistency: 'EVENTUAL' } as const
  const strong: TableDescription = {
    ...plain,
    MultiRegionConsistency: 'STRONG',
    Replicas: [{ RegionName: 'eu-central-1' }],
    GlobalTableWitnesses: [{ RegionName: 'eu-west-2' }],
  }
  const check = (plan: RouterPlan, table: TableDescription, empty = false) =>
    mismatch(plan, { table, empty })

  it('fits the plan that it was made by', () => {
    expect(check(one, plain)).toEqual([])
    expect(check(two, strong)).toEqual([])
    const itself = [{ RegionName: 'eu-west-1' }, ...(strong.Replicas ?? [])]
    expect(check(two, { ...strong, Replicas: itself })).toEqual([])
  })

  it.each([plain, eventual])('can’t become strongly consistent: %j', (table) => {
    expect(check(two, table)).toEqual([
      'tables: allowed in eu-west-1 is a plain table and can’t become strongly consistent; name new tables in the plan (tables), export the old allow-list and import it there, or keep one edge',
    ])
  })

  it('may become strongly consistent while it is empty', () => {
    expect(check(two, plain, true)).toEqual([])
  })

  it.each([
    ['one edge', one],
    ['another edge', routerPlan(['eu-west-1', 'eu-west-3'], 'eu-west-2')],
    ['another witness', routerPlan(['eu-west-1', 'eu-central-1'], 'eu-west-3')],
    ['a third edge', routerPlan(['eu-west-1', 'eu-central-1', 'eu-west-2'])],
  ])('keeps its Regions and its consistency, so a plan with %s is refused', (_, plan) => {
    expect(check(plan, strong)).toEqual([
      'tables: allowed is strongly consistent over eu-central-1, eu-west-1 with the witness eu-west-2 and stays so; name these as edges and witness, or name new tables in the plan (tables)',
    ])
  })
})

describe('before anything is deployed', () => {
  const tables = { allowList: 'landfall-allow-list', control: 'landfall-control' }
  const names = Object.values(tables)
  let aws: LocalAws

  beforeAll(async () => {
    aws = await startLocalAws({ regions: ['eu-west-1'] })
    const client = new DynamoDBClient({
      endpoint: aws.awsEndpointUrl,
      credentials: aws.operator,
      region: 'eu-west-1',
    })
    await createTables(client, tables)
    const rows = [
      [tables.allowList, { thing_name: { S: 'one' } }],
      [tables.control, { kind: { S: 'product' }, name: { S: 'default' } }],
    ] as const
    for (const [TableName, Item] of rows) await client.send(new PutItemCommand({ TableName, Item }))
    const empty = { allowList: 'empty-allow-list', control: 'empty-control' }
    await createTables(client, empty)
    client.destroy()
  })
  afterAll(() => aws.close())
  // As `sst deploy` finds DynamoDB and credentials: in the SDK's standard environment.
  beforeEach(() => {
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', aws.awsEndpointUrl)
    vi.stubEnv('AWS_ACCESS_KEY_ID', aws.operator.accessKeyId)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', aws.operator.secretAccessKey)
    vi.stubEnv('AWS_SESSION_TOKEN', undefined)
  })
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  it('a plain table is refused to two edges, each table by its name', async () => {
    const refused = refuseOtherConsistency('test', two, names)
    await expect(refused).rejects.toThrow(PlanError)
    await expect(refused).rejects.toThrow('tables: landfall-allow-list in eu-west-1')
    await expect(refused).rejects.toThrow('tables: landfall-control in eu-west-1')
  })

  it('an empty table is no hindrance, as an interrupted deployment leaves one', async () => {
    await refuseOtherConsistency('test', two, ['empty-allow-list', 'empty-control'])
  })

  it('a plain table is left to one edge', async () => {
    await refuseOtherConsistency('test', one, names)
  })

  it('tables that aren’t there are free for any plan', async () => {
    await refuseOtherConsistency('test', two, ['not-there', 'nor-there'])
  })

  it('what can’t be read is an error, never taken for absent', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAUNKNOWN')
    await expect(refuseOtherConsistency('test', two, names)).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
    })
  })
})
