import { createIot, type Iot, type IotOptions } from './iot/iot.ts'
import { isAddressInUse } from './listen.ts'
import { LocalAwsError } from './local-aws-error.ts'

const LAST_INSTANCE = 254

export type StartedIot = {
  readonly iot: Iot
  /** N of the endpoint addresses 127.N.r.1. */
  readonly instance: number
  addressOf(region: string): string
}

/**
 * AWS IoT with its brokers bound. A wanted instance is kept to, since devices remember their endpoint
 * address: where it is taken, LocalAwsError. Without a wish, the first instance that is free.
 * `keptRegions` holds every region ever enabled, in the order that gives each its r.
 */
export async function startIot(options: {
  readonly folder?: string
  readonly accountId: string
  readonly regions: readonly string[]
  readonly keptRegions: readonly string[]
  readonly instance: number | undefined
  readonly log?: NonNullable<IotOptions['log']>
  readonly findNaming: NonNullable<IotOptions['findNaming']>
  readonly violationLog?: NonNullable<IotOptions['violationLog']>
}): Promise<StartedIot> {
  const { instance: wanted, keptRegions, ...iotOptions } = options
  let instance = wanted ?? 1
  const addressOf = (region: string) => `127.${instance}.${keptRegions.indexOf(region) + 1}.1`
  const iot = await createIot({ ...iotOptions, endpointAddress: addressOf })
  try {
    for (; instance <= LAST_INSTANCE; instance += 1) {
      const failure = await startFailure(iot)
      if (failure === undefined) return { iot, instance, addressOf }
      if (!isAddressInUse(failure)) throw failure
      if (wanted !== undefined) throw taken(options.regions.map(addressOf), failure)
    }
    throw new LocalAwsError(
      'address-taken',
      `every instance from 1 to ${LAST_INSTANCE} is in use`,
      'stop some of those that run on this machine',
    )
  } catch (error) {
    await iot.close()
    throw error
  }
}

async function startFailure(iot: Iot): Promise<unknown> {
  try {
    await iot.startBrokers()
    return undefined
  } catch (error) {
    return error
  }
}

function taken(addresses: readonly string[], cause: unknown): LocalAwsError {
  return new LocalAwsError(
    'address-taken',
    `an endpoint address is in use: one of ${addresses.join(', ')}`,
    'stop what uses it, or choose another instance (devices then need their new endpoint address)',
    { cause },
  )
}
