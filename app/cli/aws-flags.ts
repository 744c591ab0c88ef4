import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import type { STSClient } from '@aws-sdk/client-sts'
import { type Command, Option } from 'commander'
import type { AwsClientConfig } from '../../regions/audit-regions.ts'
import type { LocalJson } from './local/local-json.ts'

/** Where AWS is, in the AWS CLI's words; without them the SDK's standard environment decides. */
export type AwsFlags = {
  local?: string
  region?: string
  endpointUrl?: string
  profile?: string
  table?: string
}

/** `table` says which table the command is about. */
export function addAwsFlags(
  command: Command,
  table = 'the allow-list (default: iot-global-provisioning)',
): Command {
  return command
    .option('--local <file>', 'local.json of `landfall local`: gives endpoint, credentials, table')
    .option('--region <name>', 'the AWS Region of the table')
    .option('--endpoint-url <url>', 'an AWS endpoint other than AWS’s own')
    .option('--profile <name>', 'a profile of the AWS configuration files')
    .addOption(new Option('--table <name>', table))
}

export type AwsAccess = {
  readonly dynamodb: DynamoDBClient
  readonly table: string
  readonly local: LocalJson | undefined
  /** For clients of other Regions. */
  readonly clientConfig: AwsClientConfig
  sts(): STSClient
}

const defaultTable = 'iot-global-provisioning'

async function readLocal(path: string): Promise<LocalJson> {
  const { readLocalJson } = await import('./local/local-json.ts')
  return await readLocalJson(path)
}

/** What every client is told; flags go before local.json. */
async function readSettings(flags: AwsFlags) {
  const local = flags.local === undefined ? undefined : await readLocal(flags.local)
  const endpoint = flags.endpointUrl ?? local?.awsEndpointUrl
  const shared = {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(flags.profile === undefined ? {} : { profile: flags.profile }),
    ...(local === undefined || flags.profile !== undefined
      ? {}
      : {
          credentials: {
            accessKeyId: local.accessKeyId,
            secretAccessKey: local.secretAccessKey,
          },
        }),
  }
  const region = flags.region ?? local?.dynamodbRegion
  return { local, shared, regional: { ...shared, ...(region === undefined ? {} : { region }) } }
}

/** The clients a command needs; `settings` are the table's alone. They are loaded here, so that help is quick. */
export async function openAws(
  flags: AwsFlags,
  settings: Pick<DynamoDBClientConfig, 'requestHandler' | 'maxAttempts' | 'cacheMiddleware'> = {},
): Promise<AwsAccess> {
  const { local, shared, regional } = await readSettings(flags)
  const [{ DynamoDBClient }, { STSClient }] = await Promise.all([
    import('@aws-sdk/client-dynamodb'),
    import('@aws-sdk/client-sts'),
  ])
  const dynamodb = new DynamoDBClient({ ...regional, ...settings })
  // It copies every request and answer for a log that nobody keeps: half of a scan's time.
  dynamodb.middlewareStack.remove('loggerMiddleware')
  return {
    dynamodb,
    table: flags.table ?? local?.allowListTable ?? defaultTable,
    local,
    clientConfig: shared,
    sts: () => new STSClient(regional),
  }
}
