import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Program, type Resource, runProgram } from './program.ts'
import type { Replacements } from './replaced-sources.ts'

export const account = '111122223333'
export const otherAccount = '444455556666'
export const operator = `arn:aws:iam::${account}:role/fleet-operators`

/** A zone of the mocked account, for the plans that need a domain. */
const zone = 'landfall.internal'

/** The owner's plan of production as it is shipped, with a domain, an operator and a mail address. */
const productionStages = (source: string) =>
  source
    .replace('devices.example.com', `devices.${zone}`)
    .replace("zone: 'example.com'", `zone: '${zone}'`)
    .replace('operators: []', `operators: ['${operator}']`)
    .replace('alarmEmails: []', `alarmEmails: ['fleet@${zone}']`)

/** Production with one device region in another account, and that account's own stage. */
const twoAccountStages = (source: string) =>
  productionStages(source)
    .replace("{ region: 'ap-south-1' }", `{ region: 'ap-south-1', account: '${otherAccount}' }`)
    .replace(
      'export const stages: Readonly<Record<string, PlanInput>> = {',
      `export const stages: Readonly<Record<string, PlanInput>> = {
        india: {
          kind: 'devices',
          routerStage: 'production',
          edgeRoleArns: [
            'arn:aws:iam::${account}:role/landfall-production-edge-lambda-eu-west-1',
            'arn:aws:iam::${account}:role/landfall-production-edge-lambda-eu-central-1',
          ],
          sweeperRoleArn: 'arn:aws:iam::${account}:role/landfall-production-sweeper-lambda',
          deviceRegions: [{ region: 'ap-south-1', logging: 'ERROR' }],
        },`,
    )

/** The personal plan with Lambda instances of its own, some of them kept warm. */
const warmStages = (source: string) =>
  source.replace(
    'quotas: { requestsPerSecond: 20, burstRequests: 40 }',
    'quotas: { reservedConcurrency: 50, provisionedConcurrency: 2 }',
  )

export const deployments = {
  asShipped: { stage: 'production', stages: undefined },
  warm: { stage: 'ada', stages: warmStages },
  production: { stage: 'production', stages: productionStages },
  personal: { stage: 'ada', stages: undefined },
  twoAccounts: { stage: 'production', stages: twoAccountStages },
  secondAccount: { stage: 'india', stages: twoAccountStages, account: otherAccount },
} as const

/** The router's keys as `landfall keys new` writes them, and as an operator sets them; made anew here. */
const routerKeys = Array.from({ length: 2 }, () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { kid: 'any', alg: 'ES256', ...privateKey.export({ format: 'jwk' }) }
})
export const routerKeysFile = JSON.stringify({ keys: routerKeys }, null, 2)

/** What nobody may read who needn't sign. */
export const privateNumbers = routerKeys.map(({ d }) => String(d))

/** Runs one deployment's program; `mutate` changes the checkout's own sources first. */
export async function deploy(
  which: keyof typeof deployments,
  mutate: Replacements = {},
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<Program> {
  const { stage, stages, ...rest } = deployments[which]
  const tables = await emptyDynamoDb()
  try {
    return await runProgram({
      stage,
      account,
      hostedZones: { Z0LANDFALL: zone },
      ...rest,
      replace: {
        ...(stages === undefined ? {} : { 'stacks/stages.ts': stages }),
        ...mutate,
      },
      env: {
        AWS_ENDPOINT_URL_DYNAMODB: tables.url,
        AWS_ACCESS_KEY_ID: 'deployer',
        AWS_SECRET_ACCESS_KEY: 'deployer',
        SST_SECRET_RouterKeys: routerKeysFile,
        ...env,
      },
    })
  } finally {
    tables.close()
  }
}

/** DynamoDB of an account that has no table yet (DescribeTable, ResourceNotFoundException). */
async function emptyDynamoDb(): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' })
    const type = 'com.amazonaws.dynamodb.v20120810#ResourceNotFoundException'
    response.end(JSON.stringify({ __type: type, message: 'Requested resource not found' }))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  // An http server that listens on a port has an AddressInfo.
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() }
}

export function ofType(program: Program, type: string): Resource[] {
  return program.resources.filter((it) => it.type === type)
}

/** One IAM statement as it is rendered. */
export type Statement = {
  readonly Effect: string
  readonly Action: readonly string[]
  readonly Resource?: readonly string[]
  readonly Principal?: Readonly<Record<string, string | readonly string[]>>
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>
}

type Role = { readonly name: string; readonly trust: Statement[]; readonly calls: Statement[] }

/** Every IAM role of a program, with its policies read. */
export function rolesOf(program: Program): (Role & { inputs: Resource['inputs'] })[] {
  return ofType(program, 'aws:iam/role:Role').map(({ name, inputs }) => ({
    name: String(inputs.name ?? name),
    trust: statementsOf(inputs.assumeRolePolicy),
    calls: inlinePolicies(inputs.inlinePolicies).flatMap((it) => statementsOf(it.policy)),
    inputs,
  }))
}

function inlinePolicies(value: unknown): { policy: unknown }[] {
  return Array.isArray(value) ? value : []
}

/** A policy as text, or as the object that the provider makes text of. */
export function statementsOf(document: unknown): Statement[] {
  const parsed: { Statement: Statement | Statement[] } = JSON.parse(
    typeof document === 'string' ? document : JSON.stringify(document),
  )
  return [parsed.Statement].flat().map((it) => ({
    ...it,
    Action: [it.Action].flat(),
    ...(it.Resource === undefined ? {} : { Resource: [it.Resource].flat() }),
  }))
}
