import type { ContractName } from '../device/contract.ts'
import type { KeyType } from '../device/own-key.ts'

/** A device of the demo: where it is switched on, and what must come of it. */
export type DemoDevice = {
  readonly thing: string
  readonly from: string
  /** A real public address there, of a university that has held it for decades. */
  readonly address: string
  readonly contract: ContractName
  /** Absent: AWS IoT makes the key. */
  readonly ownKey?: KeyType
  readonly allowed: boolean
  readonly fake: boolean
  readonly expect: { readonly region: string } | { readonly refusal: string }
}

const places: readonly (readonly [from: string, address: string, region: string])[] = [
  ['Dublin', '134.226.1.1', 'eu-west-1'],
  ['Frankfurt', '141.2.1.1', 'eu-central-1'],
  ['New York', '128.59.1.1', 'us-east-1'],
  ['San Francisco', '128.218.1.1', 'us-west-2'],
  ['São Paulo', '200.144.0.1', 'sa-east-1'],
  ['Mumbai', '103.21.124.1', 'ap-south-1'],
  ['Singapore', '137.132.1.1', 'ap-southeast-1'],
  ['Tokyo', '133.11.0.1', 'ap-northeast-1'],
  ['Sydney', '149.171.1.1', 'ap-southeast-2'],
  // Africa has no AWS IoT: from the Cape, Brazil is the nearest.
  ['Cape Town', '137.158.1.1', 'sa-east-1'],
]

/**
 * mydevice1 to mydevice10, by turns with their own key and with one that AWS IoT makes, and by pairs with
 * each contract; and two bad ones.
 */
export const fleet: readonly DemoDevice[] = [
  ...places.map(
    ([from, address, region], index): DemoDevice => ({
      thing: `mydevice${index + 1}`,
      from,
      address,
      contract: index % 4 < 2 ? 'landfall' : 'seed',
      ...(index % 2 === 0 ? { ownKey: 'ec' } : {}),
      allowed: true,
      fake: false,
      expect: { region },
    }),
  ),
  {
    thing: 'unknown1',
    from: 'Dublin',
    address: '134.226.1.2',
    contract: 'seed',
    ownKey: 'ec',
    allowed: false,
    fake: false,
    expect: { refusal: 'you not' },
  },
  {
    thing: 'forged1',
    from: 'Tokyo',
    address: '133.11.0.2',
    contract: 'landfall',
    ownKey: 'ec',
    allowed: true,
    fake: true,
    expect: { refusal: 'not-authorized' },
  },
]
