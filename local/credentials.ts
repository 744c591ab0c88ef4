import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Identity } from './identity.ts'

export type AccessKey = { readonly accessKeyId: string; readonly secretAccessKey: string }

/** What a key id and its token stand for; `expiresAt` in ms, of sessions only. */
export type Credential = {
  readonly secretAccessKey: string
  readonly identity: Identity
  readonly expiresAt?: number
}

export type SessionKeys = AccessKey & { readonly sessionToken: string; readonly expiresAt: number }

export type Credentials = {
  /** Undefined for a key that isn't known, or a token that isn't its own. Doesn't look at the clock. */
  find(accessKeyId: string, sessionToken: string | undefined): Credential | undefined
  issueSession(session: {
    readonly roleName: string
    readonly sessionName: string
    readonly expiresAt: number
  }): SessionKeys
}

const tokenSchema = z.object({
  accessKeyId: z.string(),
  roleName: z.string(),
  sessionName: z.string(),
  expiresAt: z.number(),
})

/** A user's key: `AKIA` and 16 letters, with 40 characters of secret. */
export function makeAccessKey(): AccessKey {
  return {
    accessKeyId: keyId('AKIA'),
    secretAccessKey: randomBytes(30).toString('base64'),
  }
}

/**
 * The keys of two users, and sessions that carry themselves: a session token is AES-256-GCM over its
 * own contents under a key made from `sessionSecret`, and the session's secret key is derived from
 * the same. So a session outlives a restart without anything being written for it.
 */
export function createCredentials(options: {
  readonly operator: AccessKey
  readonly edge: AccessKey
  readonly sessionSecret: Buffer
}): Credentials {
  const { operator, edge, sessionSecret } = options
  const users = new Map<string, Credential>([
    [operator.accessKeyId, userCredential(operator, 'operator')],
    [edge.accessKeyId, userCredential(edge, 'landfall-edge')],
  ])
  const derive = (label: string) => createHmac('sha256', sessionSecret).update(label).digest()
  const tokenKey = derive('token')
  const secretOf = (accessKeyId: string) =>
    derive(`secret/${accessKeyId}`).subarray(0, 30).toString('base64')

  return {
    find(accessKeyId, sessionToken) {
      if (sessionToken === undefined) return users.get(accessKeyId)
      const contents = openToken(tokenKey, sessionToken)
      if (!contents || contents.accessKeyId !== accessKeyId) return undefined
      const { roleName, sessionName, expiresAt } = contents
      return {
        secretAccessKey: secretOf(accessKeyId),
        identity: { kind: 'session', roleName, sessionName },
        expiresAt,
      }
    },
    issueSession({ roleName, sessionName, expiresAt }) {
      const accessKeyId = keyId('ASIA')
      const contents = { accessKeyId, roleName, sessionName, expiresAt }
      return {
        accessKeyId,
        secretAccessKey: secretOf(accessKeyId),
        sessionToken: sealToken(tokenKey, contents),
        expiresAt,
      }
    },
  }
}

function userCredential(key: AccessKey, name: 'operator' | 'landfall-edge'): Credential {
  return { secretAccessKey: key.secretAccessKey, identity: { kind: 'user', name } }
}

function keyId(prefix: 'AKIA' | 'ASIA'): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  return prefix + Array.from(randomBytes(16), (byte) => alphabet[byte & 31]).join('')
}

function sealToken(key: Buffer, contents: z.infer<typeof tokenSchema>): string {
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  const sealed = Buffer.concat([cipher.update(JSON.stringify(contents)), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64')
}

function openToken(key: Buffer, token: string): z.infer<typeof tokenSchema> | undefined {
  const bytes = Buffer.from(token, 'base64')
  if (bytes.length < 29) return undefined
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
  decipher.setAuthTag(bytes.subarray(12, 28))
  try {
    const opened = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()])
    return tokenSchema.parse(JSON.parse(opened.toString()))
  } catch {
    return undefined
  }
}
