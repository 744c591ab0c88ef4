import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { isSameKey } from '../../../app/request/same-key.ts'

const pairs = {
  rsa: () => generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey,
  p256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey,
  p384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey,
  ed25519: () => generateKeyPairSync('ed25519').publicKey,
}

// In a process of its own: where this fails, it is Node.js that ends.
const beside = `
import { generateKeyPairSync, webcrypto } from 'node:crypto'
import { isSameKey } from ${JSON.stringify(fileURLToPath(new URL('../../../app/request/same-key.ts', import.meta.url)))}
const { publicKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const { publicKey: ec } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const { publicKey: ed } = generateKeyPairSync('ed25519')
const aes = { name: 'AES-GCM', length: 256, iv: new Uint8Array(12) }
const key = await webcrypto.subtle.generateKey(aes, false, ['encrypt'])
for (const [one, other] of [[rsa, ec], [ec, ed], [ed, rsa]]) {
  const encrypting = webcrypto.subtle.encrypt(aes, key, new Uint8Array(16))
  isSameKey(one, other)
  await encrypting
}
console.log('alive')`

describe('isSameKey', () => {
  it('tells keys of every kind apart', () => {
    const keys = Object.values(pairs).flatMap((make) => [make(), make()])
    for (const one of keys) {
      for (const other of keys) expect(isSameKey(one, other)).toBe(one === other)
    }
  })

  it('does no harm to what Web Crypto does meanwhile', async () => {
    const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', beside])
    expect((await run).stdout).toBe('alive\n')
  })
})
