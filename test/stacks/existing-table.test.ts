import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
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
  const strong = { ...plain, MultiRegionConsistency: 'STRONG' } as const

  it('fits the plan that it was made by', () => {
    expect(mismatch(one, plain)).toEqual([])
    expect(mismatch(two, strong)).toEqual([])
  })

  it.each([plain, eventual])('can’t become strongly consistent: %j', (table) => {
    expect(mismatch(two, table)).toEqual([
      'tables: allowed in eu-west-1 is a plain table and can’t become strongly consistent; name new tables in the plan (tables), export the old allow-list and import it there, or keep one edge',
    ])
  })

  it('can’t stop being strongly consistent', () => {
    expect(mismatch(one, strong)).toEqual([
      'tables: allowed is strongly consistent over several Regions and stays so; name its Regions as edges and witness, or name new tables in the plan (tables)',
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
