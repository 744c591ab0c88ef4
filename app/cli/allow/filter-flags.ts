import { type Command, Option } from 'commander'
import { findRegion } from '../../../regions/catalogue.ts'
import type { DeviceFilter } from '../../allowlist/device-filter.ts'
import { type DeviceStatus, deviceStatuses } from '../../provisioning/device-record.ts'
import { misuse } from '../failure.ts'
import { time } from '../options.ts'

/** Which devices a command is about. `--region` is the table's, as everywhere. */
export type FilterFlags = {
  status?: DeviceStatus
  product?: string
  in?: string
  /** Epoch milliseconds. */
  since?: number
  olderThan?: number
}

export function addFilterFlags(command: Command): Command {
  return command
    .addOption(new Option('--status <status>', 'only of this status').choices(deviceStatuses))
    .option('--product <name>', 'only of this product')
    .option('--in <region>', 'only those whose record names this region')
    .option('--since <time>', 'only what became so since: 2h, 1d, 2026-01-31T12:00:00Z', time)
    .option('--older-than <time>', 'only what became so before: 1d, 2026-01-31', time)
}

/** Throws CommandFailure where the flags can't match anything. */
export function filterOf(flags: FilterFlags): DeviceFilter {
  const { status, product, in: region, since, olderThan: until } = flags
  if (region !== undefined && findRegion(region) === undefined) {
    throw misuse(`--in ${region} is no Region with AWS IoT Core`, 'for example --in eu-central-1')
  }
  if (since !== undefined && until !== undefined && since > until) {
    throw misuse(
      '--since lies after --older-than: nothing is between',
      '--since 2d --older-than 1d',
    )
  }
  return {
    ...(status === undefined ? {} : { status }),
    ...(product === undefined ? {} : { product }),
    ...(region === undefined ? {} : { region }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  }
}
