import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { type AuditRegionConfig, auditRegions } from '../../../regions/audit-regions.ts'
import { parseRoleArn, roleSessionName } from '../../../regions/role-arn.ts'
import { type DynamoAllowList, dynamoAllowList } from '../../allowlist/dynamo-allow-list.ts'
import { AppError } from '../../app-error.ts'
import type { EdgeConfig } from '../../edge/config.ts'
import type { OperatorRegion, OperatorRegions } from '../../provisioning/cut-off.ts'
import type { OrderDeps } from '../../provisioning/give-order.ts'
import { type AwsAccess, openAws } from '../aws-flags.ts'
import { findAccount, nameCaller } from '../caller.ts'
import { readConfigFile } from '../config-file.ts'
import { readLocalJson } from '../local/local-json.ts'
import type { CommandContext } from '../program.ts'
import type { DeviceFlags } from './device-flags.ts'

/** What the commands on single devices stand on. Close it in the end. */
export type OrderAccess = Omit<OrderDeps, 'signal' | 'by' | 'allowList'> & {
  readonly allowList: DynamoAllowList
  /** The edge's configuration, where one is named. */
  readonly config: EdgeConfig | undefined
  /** The caller's ARN, read once a command; `unknown`, with a note, where AWS doesn't tell. */
  caller(): Promise<string>
  close(): void
}

const attempts = 3
/** As an edge's defaults; a configuration says otherwise. */
const defaultLimits = { connectSeconds: 2, requestSeconds: 4 }

/**
 * The allow-list that the flags name, and the way into the device regions. Calls there are paced where
 * there are many devices, so that the edges keep their share of the quotas.
 */
export async function openOrders(
  flags: DeviceFlags,
  context: CommandContext,
  devices: number,
): Promise<OrderAccess> {
  const config = await findConfig(flags, context)
  const region = flags.region ?? config?.region
  const aws = await openAws({ ...flags, ...(region === undefined ? {} : { region }) })
  const table = flags.table ?? config?.tables.allowList ?? aws.table
  let caller: Promise<string> | undefined
  const access = {
    allowList: dynamoAllowList({ client: aws.dynamodb, table }),
    config,
    now: Date.now,
    newAttemptId: randomUUID,
    caller() {
      caller ??= nameCaller(aws, context)
      return caller
    },
  }
  const regions = openRegions(aws, config, access.caller, devices > 1)
  return {
    ...access,
    regions,
    close() {
      regions.close()
      aws.dynamodb.destroy()
    },
  }
}

async function findConfig(
  flags: DeviceFlags,
  { env }: CommandContext,
): Promise<EdgeConfig | undefined> {
  const file = flags.config ?? (flags.local && (await readLocalJson(flags.local)).edgeConfigFile)
  return file === undefined || file === '' ? undefined : await readConfigFile(file, env)
}

function openRegions(
  aws: AwsAccess,
  config: EdgeConfig | undefined,
  caller: () => Promise<string>,
  paced: boolean,
): OperatorRegions & { close(): void } {
  const open = new Map<string, Promise<OperatorRegion>>()
  let connection: ReturnType<typeof auditRegions> | undefined

  async function connect(region: string): Promise<OperatorRegion> {
    const { access, perhapsNotIn } = await accessTo(region, config, caller)
    connection ??= auditRegions({
      edgeRegion: await aws.dynamodb.config.region(),
      // Operators attach nothing.
      policyName: '',
      sessionName: roleSessionName(`landfall-allow-${hostname()}`),
      ...(config?.aws ?? defaultLimits),
      attempts,
      clientConfig: aws.clientConfig,
      quotaFactor: paced ? 1 : undefined,
      now: Date.now,
    })
    const audit = connection.connect({ region, access })
    return { audit, ...(perhapsNotIn === undefined ? {} : { perhapsNotIn }) }
  }

  return {
    get(region) {
      const opening = open.get(region) ?? connect(region)
      open.set(region, opening)
      return opening
    },
    close: () => connection?.close(),
  }
}

/** The region's operator role; without one the caller's own credentials, as long as it is the caller's account. */
async function accessTo(
  region: string,
  config: EdgeConfig | undefined,
  caller: () => Promise<string>,
): Promise<{ access: AuditRegionConfig['access']; perhapsNotIn?: string }> {
  const planned = config?.deviceRegions.find((it) => it.region === region)
  if (config !== undefined && planned === undefined) throw notReached(`${region} is not configured`)
  if (planned?.operatorRoleArn !== undefined) {
    const { operatorRoleArn: roleArn, externalId } = planned
    return { access: { roleArn, externalId } }
  }
  const own = findAccount(await caller())
  if (own === undefined) throw notReached(`${region}: AWS doesn’t say whose credentials these are`)
  if (planned === undefined) return { access: own, perhapsNotIn: own.account }
  const { account } = parseRoleArn(planned.roleArn)
  if (account === own.account) return { access: own }
  throw notReached(
    `${region} is in account ${account}, and these credentials are of ${own.account}: give it an operatorRoleArn`,
  )
}

function notReached(message: string): AppError {
  return new AppError('region-not-configured', message)
}
