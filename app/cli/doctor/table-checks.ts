import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { tableKeys } from '../../allowlist/table-layout.ts'
import { readProducts } from '../../products/control-table.ts'
import { defaultProductName } from '../../provisioning/device-record.ts'
import { CommandFailure } from '../failure.ts'
import { type Check, check } from './check.ts'
import type { DoctorSetup } from './setup.ts'

const READ_MS = 10_000

/** Both tables, and the default product in the second. */
export async function checkTables(setup: DoctorSetup): Promise<Check[]> {
  const { config } = setup
  const client = new DynamoDBClient({ ...setup.clientConfig, region: config.region })
  const remedy = `create it in ${config.region}, or correct tables and region in the configuration`
  try {
    return await Promise.all([
      ...(['allowList', 'control'] as const).map((which) =>
        check(`table ${config.tables[which]}`, remedy, () =>
          lookAtTable(client, config.tables[which], tableKeys[which]),
        ),
      ),
      check('default product', `write a product named ${defaultProductName}`, () =>
        lookAtProducts(client, setup),
      ),
    ])
  } finally {
    client.destroy()
  }
}

async function lookAtTable(
  client: DynamoDBClient,
  name: string,
  keys: readonly string[],
): Promise<string> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: name }))
  const found = (Table?.KeySchema ?? []).map((it) => it.AttributeName)
  const wrongType = (Table?.AttributeDefinitions ?? []).find(
    (it) => found.includes(it.AttributeName) && it.AttributeType !== 'S',
  )
  if (found.join() !== keys.join() || wrongType !== undefined) {
    throw new CommandFailure(`its key is ${found.join(', ')}, not ${keys.join(', ')} (strings)`, {
      hint: 'a table’s key can’t be changed: create it anew with the right one',
    })
  }
  if (Table?.TableStatus !== 'ACTIVE') {
    throw new CommandFailure(`its status is ${Table?.TableStatus}`, {
      hint: 'wait until it is ACTIVE',
    })
  }
  return `key ${keys.join(', ')}`
}

async function lookAtProducts(client: DynamoDBClient, { config }: DoctorSetup): Promise<string> {
  const { products, problems } = await readProducts(
    client,
    config.tables.control,
    AbortSignal.timeout(READ_MS),
  )
  if (problems.length > 0) {
    throw new CommandFailure(problems.join('; '), { hint: 'correct the document' })
  }
  const product = products.get(defaultProductName)
  if (product === undefined) {
    throw new CommandFailure('there is none: devices without a product can’t be provisioned')
  }
  const { defaultRegion, allowedRegions = [] } = product.regionPolicy
  const enabled = new Set<string>(config.deviceRegions.map((it) => it.region))
  const missing = [...new Set([defaultRegion, ...allowedRegions])].filter((it) => !enabled.has(it))
  if (missing.length > 0) {
    throw new CommandFailure(`it names ${missing.join(', ')}, which isn’t enabled`, {
      hint: 'add the region to deviceRegions, or take it out of the product',
    })
  }
  const signers = product.signers.length
  return `default region ${defaultRegion}, ${signers} ${signers === 1 ? 'signer' : 'signers'}`
}
