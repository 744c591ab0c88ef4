import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { allowedDevice, type DeviceRecord } from '../../app/provisioning/device-record.ts'
import { parseCsrDer } from '../../app/request/csr.ts'
import type { SignatureAlgorithm, SigningJwk } from '../../app/request/signing-jwk.ts'
import {
  type Certified,
  certifyDevice,
  der,
  factoryCa,
  makeAuthority,
  makeKeys,
} from '../factory.ts'
import { challengePassword, cn, extensionRequest, forgeCsr } from '../forge-csr.ts'
import { makeSigningKey } from '../landfall-request.ts'

/** Who asks: what its requests are signed with, and a CSR's key. */
export type FuzzDevice = {
  readonly thingName: string
  readonly algorithm: SignatureAlgorithm
  readonly kid?: string
  /** Its certificate, and those of its issuers. */
  readonly chain?: readonly Buffer[]
  sign(input: Buffer): Buffer
  readonly csrKey: { privateKey: KeyObject; publicKey: KeyObject }
  readonly csr: Buffer
}

/** Everything that a fuzz run knows, keys included; no device in it may be provisioned. */
export type FuzzWorld = {
  readonly devices: readonly FuzzDevice[]
  readonly records: readonly DeviceRecord[]
  readonly products: readonly Record<string, unknown>[]
  /** Certificates to make chains of: good ones, strangers', and such as certify one another. */
  readonly certificates: readonly Buffer[]
  /** Signs what was done to a certificate's contents, as its authority. */
  certify(contents: Buffer, by: 'root' | 'line'): Buffer
  signSeed(thingName: string): string
  readonly seedNames: readonly string[]
}

const attributes = [challengePassword('secret'), extensionRequest(false)]

const signers = {
  ES256: (key: KeyObject) => (it: Buffer) => sign('sha256', it, { key, dsaEncoding: 'ieee-p1363' }),
  Ed25519: (key: KeyObject) => (it: Buffer) => sign(null, it, key),
  RS256: (key: KeyObject) => (it: Buffer) => sign('sha256', it, key),
} as const
const kinds = { ES256: 'P-256', Ed25519: 'Ed25519', RS256: 'RSA' } as const

export async function makeFuzzWorld(): Promise<FuzzWorld> {
  const devices: FuzzDevice[] = []
  const records: DeviceRecord[] = []

  /** A device that is blocked, or one that has its certificate already. */
  async function add(
    thingName: string,
    by: Omit<FuzzDevice, 'thingName' | 'csrKey' | 'csr'>,
    about: { publicKey?: SigningJwk; product?: string } = {},
  ) {
    for (const status of ['blocked', 'provisioned'] as const) {
      const name = `${thingName}-${status}`
      const csrKey = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const csr = forgeCsr(csrKey, { subject: [[cn(name)]], attributes })
      const { thumbprint } = await parseCsrDer(csr, name)
      devices.push({ ...by, thingName: name, csrKey, csr })
      records.push({
        ...allowedDevice(name, Date.now(), about),
        status,
        ...(status === 'blocked' ? {} : identity(thumbprint)),
      })
    }
  }

  async function addOwn(algorithm: keyof typeof kinds) {
    const { key, jwk } = makeSigningKey(kinds[algorithm])
    await add(`own-${algorithm}`, { algorithm, sign: signers[algorithm](key) }, { publicKey: jwk })
  }

  await addOwn('ES256')
  await addOwn('Ed25519')
  const fleet = makeSigningKey()
  await add('signer', { algorithm: 'ES256', kid: 'fleet', sign: signers.ES256(fleet.key) })
  const root = await makeAuthority('Factory')
  const line = await makeAuthority('Line', { by: root })
  const strangers = await circle()
  for (const [leaf, issuers] of [
    [await certifyDevice(line, 'factory-blocked'), [line]],
    [await certifyDevice(strangers[0], 'factory-blocked'), strangers],
  ] as const) {
    const chain = [leaf, ...issuers].map(der)
    await add('factory', { algorithm: 'ES256', chain, sign: signers.ES256(leaf.signingKey) })
  }
  const seed = makeSigningKey('RSA')
  const signSeed = signers.RS256(seed.key)
  await add('seed', { algorithm: 'RS256', kid: 'seed', sign: signSeed }, { product: 'seeded' })
  await addOwn('RS256')
  const seedNames = ['seed-blocked', 'seed-provisioned', 'nobody']
  const seedSignatures = new Map(
    seedNames.map((name) => [name, signSeed(Buffer.from(name)).toString('base64')]),
  )
  const regionPolicy = { defaultRegion: 'eu-west-1' }
  const reprovisioning = { redeliverSeconds: 0 }
  return {
    devices,
    records,
    products: [
      {
        name: 'default',
        signers: [{ kid: 'fleet', contracts: ['landfall'], jwk: fleet.jwk }],
        factoryCas: [factoryCa('factory', root)],
        regionPolicy,
        reprovisioning,
      },
      {
        name: 'seeded',
        signers: [{ kid: 'seed', contracts: ['seed', 'landfall'], jwk: seed.jwk }],
        regionPolicy,
        reprovisioning,
      },
    ],
    certificates: [line, root, ...strangers].map(der),
    certify: (contents, by) => sign('sha256', contents, { root, line }[by].signingKey),
    signSeed: (name) => seedSignatures.get(name) ?? '',
    seedNames,
  }
}

function identity(csrThumbprint: string): Partial<DeviceRecord> {
  return {
    region: 'eu-west-1',
    certificateId: 'c0ffee',
    certificatePem: 'the certificate',
    csrThumbprint,
    attachedAt: Date.now(),
    statusSince: Date.now() - 3_600_000,
    lastIat: Date.now() - 3_600_000,
    placement: { reason: 'nearest: 0 km' },
  }
}

/** Authorities that certify one another, and one that only names the factory's as its issuer. */
async function circle(): Promise<[Certified, Certified, Certified]> {
  const [keysA, keysB] = [await makeKeys(), await makeKeys()]
  const selfA = await makeAuthority('A', { keys: keysA })
  const selfB = await makeAuthority('B', { keys: keysB })
  return [
    await makeAuthority('A', { keys: keysA, by: selfB }),
    await makeAuthority('B', { keys: keysB, by: selfA }),
    await makeAuthority('Bait', { issuerName: 'CN=Factory' }),
  ]
}
