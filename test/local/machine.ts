import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { IoTClient } from '@aws-sdk/client-iot'
import { STSClient } from '@aws-sdk/client-sts'
import { type CallLog, createCallLog } from '../../local/calls.ts'
import { type AccessKey, createCredentials, makeAccessKey } from '../../local/credentials.ts'
import { createDynamoDb } from '../../local/dynamodb.ts'
import { createFaults, type Faults } from '../../local/faults.ts'
import { type Log, startGateway } from '../../local/gateway.ts'
import { createQuotas, type Quotas } from '../../local/quotas.ts'
import { AwsError, type Service, type ServiceRequest } from '../../local/service.ts'
import { createSts } from '../../local/sts.ts'

export const ACCOUNT = '123456789012'
export const REGIONS = ['eu-west-1', 'us-west-1']

type Keys = AccessKey & { readonly sessionToken?: string }

/** The gateway with real DynamoDB and STS, and a stand-in for IoT that notes what it performed. */
export type Machine = {
  readonly url: string
  readonly operator: AccessKey
  readonly edge: AccessKey
  readonly calls: CallLog
  readonly faults: Faults
  readonly quotas: Quotas
  /** Operation and region of each IoT call that was performed. */
  readonly performed: string[]
  readonly clock: { now: number }
  dynamodb(keys: Keys, region?: string): DynamoDBClient
  sts(keys: Keys, region?: string): STSClient
  iot(keys: Keys, region?: string): IoTClient
  /** Stops the gateway with its clients still open. */
  stop(): Promise<void>
  close(): Promise<void>
}

export async function startMachine(options: { log?: Log } = {}): Promise<Machine> {
  const clock = { now: Date.now() }
  const operator = makeAccessKey()
  const edge = makeAccessKey()
  const sessionSecret = Buffer.alloc(32, 7)
  const credentials = createCredentials({ operator, edge, sessionSecret })
  const calls = createCallLog()
  const faults = createFaults(Math.random)
  const quotas = createQuotas()
  const performed: string[] = []
  const dynamoDb = await createDynamoDb({ accountId: ACCOUNT })
  const now = () => clock.now
  const gateway = await startGateway(
    {
      accountId: ACCOUNT,
      services: new Map<string, Service>([
        ['dynamodb', dynamoDb.service],
        ['sts', createSts({ accountId: ACCOUNT, regions: REGIONS, credentials, now })],
        ['iot', notingIot(performed)],
      ]),
      regions: new Set(REGIONS),
      credentials,
      quotas,
      faults,
      calls,
      now,
      log: options.log ?? (() => undefined),
    },
    0,
  )
  const url = `http://127.0.0.1:${gateway.port}`
  const clients: { destroy(): void }[] = []
  const settings = (credentialsOf: Keys, region: string) => ({
    endpoint: url,
    region,
    credentials: credentialsOf,
    maxAttempts: 1,
  })
  const kept = <Client extends { destroy(): void }>(client: Client) => {
    clients.push(client)
    return client
  }
  const stop = async () => {
    await gateway.close()
    await dynamoDb.close()
  }
  return {
    url,
    operator,
    edge,
    calls,
    faults,
    quotas,
    performed,
    clock,
    dynamodb: (keys, region = 'eu-west-1') => kept(new DynamoDBClient(settings(keys, region))),
    sts: (keys, region = 'eu-west-1') => kept(new STSClient(settings(keys, region))),
    iot: (keys, region = 'eu-west-1') => kept(new IoTClient(settings(keys, region))),
    stop,
    async close() {
      for (const client of clients) client.destroy()
      await stop()
    },
  }
}

export async function createAllowList(client: DynamoDBClient): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: 'iot-global-provisioning',
      AttributeDefinitions: [{ AttributeName: 'thing_name', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'thing_name', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  )
}

function notingIot(performed: string[]): Service {
  const json = { 'content-type': 'application/json' }
  return {
    operationOf({ method, path }: ServiceRequest) {
      if (path === '/endpoint') return 'DescribeEndpoint'
      if (path === '/certificates') return 'CreateCertificateFromCsr'
      if (!path.startsWith('/things/')) return undefined
      return method === 'POST'
        ? 'CreateThing'
        : method === 'DELETE'
          ? 'DeleteThing'
          : 'DescribeThing'
    },
    async handle(operation, request) {
      performed.push(`${operation} ${request.region}`)
      if (operation === 'DescribeThing') {
        throw new AwsError('ResourceNotFoundException', 404, 'Thing does not exist')
      }
      if (operation === 'DeleteThing') throw new TypeError('a bug of this service')
      const thingName = decodeURIComponent(request.path.slice('/things/'.length))
      return { status: 200, headers: json, body: JSON.stringify({ thingName }) }
    },
    renderError: (error) => ({
      status: error.status,
      headers: { ...json, 'x-amzn-errortype': error.code },
      body: JSON.stringify({ message: error.message }),
    }),
  }
}
