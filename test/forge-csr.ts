import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/** One DER value (X.690 section 8.1): tag, length, contents. */
export function derValue(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const size = content.length
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}

export const sequence = (...parts: readonly Buffer[]) => derValue(0x30, ...parts)
export const setOf = (...parts: readonly Buffer[]) => derValue(0x31, ...parts)
const integer = (value: number | Buffer) =>
  derValue(0x02, typeof value === 'number' ? Buffer.from([value]) : value)
const bitString = (bits: Buffer) => derValue(0x03, Buffer.from([0]), bits)

/** An object identifier whose contents are given in hex. */
export const oid = (hex: string) => derValue(0x06, Buffer.from(hex, 'hex'))

const commonName = oid('550403')
const nothing = derValue(0x05)
const rsaEncryption = oid('2a864886f70d010101')

/** AlgorithmIdentifiers of signatures. */
const algorithms = {
  ecdsaSha256: sequence(oid('2a8648ce3d040302')),
  ecdsaSha1: sequence(oid('2a8648ce3d0401')),
  rsaSha256: sequence(oid('2a864886f70d01010b'), nothing),
  rsaSha1: sequence(oid('2a864886f70d010105'), nothing),
  rsaMd5: sequence(oid('2a864886f70d010104'), nothing),
  /** Its default parameters: SHA-1 and MGF1 with SHA-1 (RFC 4055 section 3.1). */
  rsaPssSha1: sequence(oid('2a864886f70d01010a'), sequence()),
  rsaPssBroken: sequence(oid('2a864886f70d01010a'), derValue(0x04)),
  /** A key's algorithm, and no signature's. */
  ecPublicKey: sequence(oid('2a8648ce3d0201')),
} as const

/** One common name of a relative distinguished name; `tag`: the kind of string, UTF8String by default. */
export const cn = (name: string | Buffer, tag = 0x0c) =>
  sequence(commonName, derValue(tag, Buffer.from(name)))

/** An extensionRequest attribute that asks for basicConstraints CA:TRUE, or for nothing special. */
export function extensionRequest(ca: boolean): Buffer {
  const basicConstraints = ca ? sequence(derValue(0x01, Buffer.from([0xff]))) : sequence()
  const extension = sequence(oid('551d13'), derValue(0x04, basicConstraints))
  return sequence(oid('2a864886f70d01090e'), setOf(sequence(extension)))
}

export const challengePassword = (password: string) =>
  sequence(oid('2a864886f70d010907'), setOf(derValue(0x0c, Buffer.from(password))))

/** An RSA public key (SPKI) with this exponent; by default one as long as its modulus: dear to verify with. */
export function rsaKey(small?: number): Buffer {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 3072 })
  const modulus = Buffer.from(publicKey.export({ format: 'jwk' }).n ?? '', 'base64url')
  const exponent = small === undefined ? Buffer.from(modulus) : Buffer.from([small])
  if (small === undefined) exponent[0] = 0x7f
  const key = sequence(integer(Buffer.concat([Buffer.alloc(1), modulus])), integer(exponent))
  return sequence(sequence(rsaEncryption, nothing), bitString(key))
}

/**
 * A CSR (DER) of parts that no library would put together. Its signature is right for what it says,
 * unless `signedBy` is another key than the one in it.
 */
export function forgeCsr(
  key: { privateKey: KeyObject; publicKey: KeyObject | Buffer },
  it: {
    /** Relative distinguished names. */
    subject?: readonly (readonly Buffer[])[]
    attributes?: readonly Buffer[]
    hash?: string
    algorithm?: keyof typeof algorithms
    padding?: number
    /** Behind the three elements that a CSR has. */
    more?: readonly Buffer[]
    /** In place of the contents that would be made of all this. */
    info?: Buffer
  } = {},
): Buffer {
  const { subject = [], attributes = [], hash = 'sha256', more = [] } = it
  const isRsa = key.privateKey.asymmetricKeyType === 'rsa'
  const { algorithm = isRsa ? 'rsaSha256' : 'ecdsaSha256' } = it
  const spki = Buffer.isBuffer(key.publicKey)
    ? key.publicKey
    : key.publicKey.export({ type: 'spki', format: 'der' })
  const name = sequence(...subject.map((rdn) => setOf(...rdn)))
  const { info = sequence(integer(0), name, spki, derValue(0xa0, ...attributes)) } = it
  const padding = it.padding === undefined ? {} : { padding: it.padding }
  const signature = sign(hash, info, { key: key.privateKey, ...padding })
  return sequence(info, algorithms[algorithm], bitString(signature), ...more)
}
