import type { AwsCredentialIdentity } from '@smithy/types'
import type { EdgeConfig } from '../../edge/config.ts'
import { readConfigFile } from '../config-file.ts'
import { misuse } from '../failure.ts'
import { readInput } from '../input-file.ts'
import { readLocalJson } from '../local/local-json.ts'
import type { CommandContext } from '../program.ts'
import type { DoctorFlags } from './command.ts'

/** What the doctor looks at, and with which eyes: the edge's. */
export type DoctorSetup = {
  readonly config: EdgeConfig
  readonly configFile: string
  /** Empty: the SDK's standard environment. */
  readonly clientConfig: {
    readonly endpoint?: string
    readonly credentials?: AwsCredentialIdentity
    readonly maxAttempts: number
  }
  /** Of the MQTT endpoints; undefined: Node's own roots. */
  readonly caPem?: string
  /** Of a running edge, where it is known. */
  readonly provisionUrl?: string
}

/** One retry: the doctor is to say what doesn't work, not to hide it. */
const maxAttempts = 2

export async function readSetup(
  flags: DoctorFlags,
  env: CommandContext['env'],
): Promise<DoctorSetup> {
  if (flags.local !== undefined) {
    const local = await readLocalJson(flags.local)
    const configFile = flags.config ?? local.edgeConfigFile
    return {
      config: await readConfigFile(configFile, env),
      configFile,
      clientConfig: {
        endpoint: local.awsEndpointUrl,
        credentials: {
          accessKeyId: local.edgeAccessKeyId,
          secretAccessKey: local.edgeSecretAccessKey,
        },
        maxAttempts,
      },
      caPem: await readInput(flags.ca ?? local.caFile, 'CA file'),
      provisionUrl: local.provisionUrl,
    }
  }
  if (flags.config === undefined)
    throw misuse('nothing to look at', 'give --config FILE or --local FILE')
  return {
    config: await readConfigFile(flags.config, env),
    configFile: flags.config,
    clientConfig: { maxAttempts },
    ...(flags.ca === undefined ? {} : { caPem: await readInput(flags.ca, 'CA file') }),
  }
}
