import {
  createPrivateKey,
  createPublicKey,
  type JsonWebKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import * as z from 'zod'
import { bareKey, type SigningJwk, signingJwk } from '../../request/signing-jwk.ts'
import { CommandFailure } from '../failure.ts'
import { readInputOrStdin } from '../input-file.ts'

/** A key of a file. Of a private one both halves; its public half is what may be shown. */
export type FileKey = {
  /** As the file says, else the RFC 7638 thumbprint (SHA-256, base64url). */
  readonly kid: string
  /** The public half: what makes the key, and `alg` where the file has one. */
  readonly jwk: SigningJwk
  readonly privateKey: KeyObject | undefined
}

/** At least one key. `format` is what the file is written in: JWK (or JWK Set) or PEM. */
export type KeyFile = {
  readonly format: 'jwk' | 'pem'
  readonly keys: readonly [FileKey, ...FileKey[]]
}

/**
 * Reads signing keys, EC P-256 or P-384, Ed25519 or RSA from 2048 bits: a JWK or JWK Set (RFC 7517) or
 * one PEM key, private or public; `-` is stdin. Throws CommandFailure that never quotes what it read.
 */
export async function readKeyFile(path: string, what: string): Promise<KeyFile> {
  return await parseKeyFile(await readInputOrStdin(path, what), path === '-' ? 'stdin' : path)
}

/** `name` is what messages call the file. */
export async function parseKeyFile(text: string, name: string): Promise<KeyFile> {
  if (text.includes('-----BEGIN')) {
    return { format: 'pem', keys: [await parsePem(text, name)] }
  }
  const members = parseJwks(text, name)
  const keys = await Promise.all(
    members.map((it, index) =>
      parseJwk(it, members.length > 1 ? `${name}, key ${index + 1},` : name),
    ),
  )
  const [first, ...rest] = keys
  if (first === undefined) throw unusable(name, 'holds no key')
  return { format: 'jwk', keys: [first, ...rest] }
}

/** The first key, which signs; throws CommandFailure where the file has only its public half. */
export function getSigningKey(file: KeyFile, name: string): FileKey & { privateKey: KeyObject } {
  const [{ privateKey, ...key }] = file.keys
  if (privateKey !== undefined) return { ...key, privateKey }
  throw unusable(name, 'holds a public key only, and signing needs the private one')
}

const object = z.record(z.string(), z.unknown())
const jwkSet = z.looseObject({ keys: z.array(object) })

function parseJwks(text: string, name: string): Record<string, unknown>[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Without the parser's own message, which quotes the file.
    throw unusable(name, 'is neither JSON nor PEM')
  }
  const set = jwkSet.safeParse(value)
  if (set.success) return set.data.keys
  const one = object.safeParse(value)
  if (one.success && typeof one.data.kty === 'string') return [one.data]
  throw unusable(name, 'is neither a JWK nor a JWK Set')
}

const publicMembers = ['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg']

async function parseJwk(members: Record<string, unknown>, name: string): Promise<FileKey> {
  const half = Object.fromEntries(
    Object.entries(members).filter(([member]) => publicMembers.includes(member)),
  )
  const parsed = signingJwk.safeParse(half)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const member = issue?.path.join('.') ?? ''
    throw unusable(
      name,
      `is no signing key: ${member === '' ? '' : `${member}: `}${issue?.message}`,
    )
  }
  const { kid, alg } = parsed.data
  const bare = bareKey(parsed.data)
  return {
    kid: kid ?? (await calculateJwkThumbprint(bare)),
    jwk: alg === undefined ? bare : { ...bare, alg },
    privateKey: Object.hasOwn(members, 'd') ? importPrivate(members, bare, name) : undefined,
  }
}

function importPrivate(members: JsonWebKey, half: SigningJwk, name: string): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey({ key: members, format: 'jwk' })
  } catch {
    throw unusable(name, 'has a private half that makes no key')
  }
  // OpenSSL takes over the public half as it is written: only a signature shows whether it belongs.
  const hash = half.kty === 'OKP' ? null : 'sha256'
  const probe = Buffer.from('landfall')
  const publicKey = createPublicKey({ key: half, format: 'jwk' })
  if (verify(hash, probe, publicKey, sign(hash, probe, key))) return key
  throw unusable(name, 'has a public half that does not belong to its private one')
}

async function parsePem(pem: string, name: string): Promise<FileKey> {
  const isPrivate = /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    throw unusable(
      name,
      'is encrypted with a passphrase',
      'openssl pkey -in FILE -out OTHER decrypts it',
    )
  }
  let key: KeyObject
  let half: JsonWebKey
  try {
    key = isPrivate ? createPrivateKey(pem) : createPublicKey(pem)
    half = (isPrivate ? createPublicKey(key) : key).export({ format: 'jwk' })
  } catch {
    throw unusable(name, 'is PEM, but holds no key that can sign')
  }
  return { ...(await parseJwk({ ...half }, name)), privateKey: isPrivate ? key : undefined }
}

function unusable(name: string, why: string, hint = HINT): CommandFailure {
  return new CommandFailure(`${name} ${why}`, { hint })
}

const HINT = 'npx landfall keys new --out FILE makes a key; openssl’s keys in PEM will do too'
