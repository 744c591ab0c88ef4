import type { KeyObject } from 'node:crypto'
import { algorithmsOf, type SignatureAlgorithm } from '../../request/signing-jwk.ts'
import { isThingName } from '../../request/thing-name.ts'
import { CommandFailure, misuse } from '../failure.ts'
import { readInput } from '../input-file.ts'
import { type FileKey, getSigningKey, type KeyFile, readKeyFile } from '../keys/key-file.ts'
import { type LocalJson, readLocalJson } from '../local/local-json.ts'
import type { DeviceFlags } from './command.ts'
import type { ContractName, DeviceContract } from './contract.ts'
import type { Edge } from './edge-client.ts'
import { readFactoryChain } from './factory-chain.ts'
import { landfallContract } from './landfall-contract.ts'
import type { RequestSigner } from './landfall-request.ts'
import { findRouterKeys } from './router-trust.ts'
import { seedContract } from './seed-contract.ts'

export type Setup = {
  readonly contract: DeviceContract
  /** Of the endpoint too; undefined: Node's own roots. */
  readonly caPem: string | undefined
}

/** What a device is told by its flags, and by local.json where they say nothing. The caller closes the contract. */
export async function readSetup(flags: DeviceFlags): Promise<Setup> {
  if (!isThingName(flags.thing)) {
    throw misuse(
      '--thing is no thing name',
      'a thing name has 1 to 128 characters: letters, digits, ":", "_" and "-"',
    )
  }
  const local = flags.local === undefined ? undefined : await readLocalJson(flags.local)
  const given =
    flags.signingKey === undefined ? undefined : await readKeyFile(flags.signingKey, 'signing key')
  const name = contractOf(flags, given)
  const urls = { seed: local?.provisionUrl, landfall: local?.landfallUrl }
  const url = getUrl(flags.url ?? urls[name], name)
  const keyFiles = { seed: local?.signingKeyFile, landfall: local?.landfallKeyFile }
  const keyName = flags.signingKey ?? keyFiles[name]
  if (keyName === undefined) {
    throw misuse('no signing key', 'give --signing-key FILE or --local FILE')
  }
  const key = getSigningKey(given ?? (await readKeyFile(keyName, 'signing key')), keyName)
  const caFile = flags.ca ?? local?.caFile
  const caPem = caFile === undefined ? undefined : await readInput(caFile, 'CA file')
  const edge: Edge = {
    url,
    ...(caPem === undefined ? {} : { caPem }),
    ...(flags.address === undefined ? {} : { address: flags.address }),
  }
  const contract =
    name === 'seed'
      ? seedContract(edge, getRsaKey(key, keyName))
      : await readLandfall(flags, edge, key, local)
  return { contract, caPem }
}

/** What only the Landfall contract has, by its flag. */
function landfallOnly(flags: DeviceFlags): string | undefined {
  if (flags.factoryCert !== undefined) return '--factory-cert'
  if (flags.routerKeys !== undefined) return '--router-keys'
  if (flags.audience !== undefined) return '--audience'
  if (flags.deliveryKey !== undefined) return '--delivery-key'
  if (flags.kid !== undefined) return '--kid'
  return flags.clock ? undefined : '--no-clock'
}

function contractOf(flags: DeviceFlags, given: KeyFile | undefined): ContractName {
  const only = landfallOnly(flags)
  if (flags.contract === 'seed' && only !== undefined) {
    throw misuse(`the seed contract has no ${only}`, 'leave it out, or say --contract landfall')
  }
  if (flags.contract !== undefined) return flags.contract
  if (only !== undefined) return 'landfall'
  // The fleets of the seed contract have their key in PEM, and it is RSA.
  const [key] = given?.keys ?? []
  return key === undefined || (given?.format === 'pem' && key.jwk.kty === 'RSA')
    ? 'seed'
    : 'landfall'
}

const paths = { seed: '/device-provisioning', landfall: '/v1/provision' } as const

function getUrl(url: string | undefined, contract: ContractName): string {
  const example = `for example https://example.com${paths[contract]}`
  if (url === undefined) throw misuse('no provisioning URL', 'give --url URL or --local FILE')
  const parsed = URL.parse(url)
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw misuse('--url is no http or https URL', example)
  }
  const other = contract === 'seed' ? 'landfall' : 'seed'
  if (parsed.pathname.endsWith(paths[other])) {
    const why =
      contract === 'seed'
        ? 'give the signing key as a JWK file, or say --contract landfall'
        : `the ${contract} contract’s ends in ${paths[contract]}; or say --contract seed`
    throw misuse(`--url is the ${other} contract’s, and this device speaks the other one`, why)
  }
  return url
}

function getRsaKey({ jwk, privateKey }: SigningKey, name: string): KeyObject {
  if (jwk.kty === 'RSA') return privateKey
  throw new CommandFailure(`${name} holds no RSA key, which the seed contract signs with`, {
    hint: 'openssl genrsa -out fleet.key.pem 2048 makes one; for another key say --contract landfall',
  })
}

type SigningKey = FileKey & { readonly privateKey: KeyObject }

async function readLandfall(
  flags: DeviceFlags,
  edge: Edge,
  key: SigningKey,
  local: LocalJson | undefined,
): Promise<DeviceContract> {
  const audience = flags.audience ?? local?.audience
  if (audience === undefined) {
    throw misuse('no audience', 'give --audience NAME, the deployment’s, or --local FILE')
  }
  const chain =
    flags.factoryCert === undefined
      ? undefined
      : await readFactoryChain(flags.factoryCert, key.privateKey)
  const signer: RequestSigner = {
    key: key.privateKey,
    algorithm: algorithmOf(key),
    ...(chain === undefined ? { kid: flags.kid ?? key.kid } : { x5c: chain }),
  }
  if (chain !== undefined && flags.kid !== undefined) {
    throw misuse('--kid and --factory-cert both say who signs', 'give one of them')
  }
  return landfallContract({
    edge,
    signer,
    audience,
    deliveryCurve: flags.deliveryKey ?? 'P-256',
    hasClock: flags.clock,
    ...(flags.routerKeys === undefined
      ? {}
      : { routerKeys: await readRouterKeys(flags.routerKeys) }),
  })
}

/** An RSA key without `alg` signs with PS256, which replaces RS256. */
function algorithmOf({ jwk }: FileKey): SignatureAlgorithm {
  const [algorithm = 'ES256'] = jwk.alg === undefined ? algorithmsOf(jwk) : [jwk.alg]
  return algorithm
}

async function readRouterKeys(path: string) {
  const text = await readInput(path, 'router’s keys')
  let keys: ReturnType<typeof findRouterKeys>
  try {
    keys = findRouterKeys(JSON.parse(text))
  } catch {
    // Said below.
  }
  if (keys !== undefined) return keys
  throw new CommandFailure(`${path} is no JWK Set of public keys with kids`, {
    hint: 'curl …/v1/jwks gives the router’s; fetch it where you trust the connection',
  })
}
