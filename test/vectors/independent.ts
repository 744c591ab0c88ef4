import {
  constants,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type JsonWebKey,
  type KeyObject,
  verify,
} from 'node:crypto'

// JOSE out of node:crypto alone, as a device in another language would write it: what checks the vectors
// must not be the code that made them.

const raw = 'ieee-p1363'

/** Whether a compact JWS verifies under this public key by this algorithm (RFC 7518 section 3, RFC 8037). */
export function verifies(compact: string, jwk: JsonWebKey, algorithm: string): boolean {
  const [header = '', payload = '', signature = ''] = compact.split('.')
  const input = Buffer.from(`${header}.${payload}`, 'ascii')
  const bytes = Buffer.from(signature, 'base64url')
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  switch (algorithm) {
    case 'ES256':
      return verify('sha256', input, { key, dsaEncoding: raw }, bytes)
    case 'ES384':
      return verify('sha384', input, { key, dsaEncoding: raw }, bytes)
    case 'ES512':
      return verify('sha512', input, { key, dsaEncoding: raw }, bytes)
    case 'EdDSA':
    case 'Ed25519':
      return verify(null, input, key, bytes)
    case 'RS256':
      return verify('sha256', input, { key, padding: constants.RSA_PKCS1_PADDING }, bytes)
    case 'PS256':
      return verify('sha256', input, pss(key, 32), bytes)
    case 'PS384':
      return verify('sha384', input, pss(key, 48), bytes)
    default:
      throw new Error(`no algorithm of these tests: ${algorithm}`)
  }
}

function pss(key: KeyObject, saltLength: number) {
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
}

/** RFC 7638: SHA-256 over the required members in the order of their names. */
export function thumbprint({ kty, crv, x, y, n, e }: JsonWebKey): string {
  const required =
    kty === 'RSA' ? { e, kty, n } : kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x }
  return createHash('sha256').update(JSON.stringify(required)).digest('base64url')
}

/** The shared secret of RFC 7518 section 4.6 and RFC 8037 section 3.2. */
export function agree(privateJwk: JsonWebKey, publicJwk: JsonWebKey): Buffer {
  return diffieHellman({
    privateKey: createPrivateKey({ key: privateJwk, format: 'jwk' }),
    publicKey: createPublicKey({ key: publicJwk, format: 'jwk' }),
  })
}

/** Concat KDF with SHA-256 (RFC 7518 section 4.6.2), one round: up to 256 bits. */
export function concatKdf(
  secret: Buffer,
  algorithm: string,
  bits: number,
  { apu = '', apv = '' }: { apu?: string; apv?: string } = {},
): Buffer {
  const number = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return bytes
  }
  const withLength = (bytes: Buffer) => Buffer.concat([number(bytes.length), bytes])
  return createHash('sha256')
    .update(number(1))
    .update(secret)
    .update(withLength(Buffer.from(algorithm, 'ascii')))
    .update(withLength(Buffer.from(apu, 'base64url')))
    .update(withLength(Buffer.from(apv, 'base64url')))
    .update(number(bits))
    .digest()
    .subarray(0, bits / 8)
}

type JweHeader = { alg: string; enc: string; epk: JsonWebKey; apu?: string; apv?: string }

/** The plaintext of a compact JWE by ECDH-ES with AES Key Wrap (RFC 3394) and AES-GCM. */
export function decryptJwe(compact: string, privateJwk: JsonWebKey): string {
  const [protectedHeader = '', ...rest] = compact.split('.')
  const [wrapped, iv, ciphertext, tag] = rest.map((part) => Buffer.from(part, 'base64url'))
  if (!wrapped || !iv || !ciphertext || !tag) throw new Error('no compact JWE')
  const header: JweHeader = JSON.parse(Buffer.from(protectedHeader, 'base64url').toString('utf8'))
  const bits = Number(/^ECDH-ES\+A(\d+)KW$/.exec(header.alg)?.[1])
  const wrappingKey = concatKdf(agree(privateJwk, header.epk), header.alg, bits, header)
  const unwrap = createDecipheriv(
    `id-aes${bits}-wrap`,
    wrappingKey,
    Buffer.from('a6a6a6a6a6a6a6a6', 'hex'),
  )
  const contentKey = Buffer.concat([unwrap.update(wrapped), unwrap.final()])
  const cipher = header.enc === 'A256GCM' ? 'aes-256-gcm' : 'aes-128-gcm'
  const decipher = createDecipheriv(cipher, contentKey, iv, { authTagLength: 16 })
  decipher.setAAD(Buffer.from(protectedHeader, 'ascii'))
  decipher.setAuthTag(tag)
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8')
}
