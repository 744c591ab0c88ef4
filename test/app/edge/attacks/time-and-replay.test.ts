// The attacks by way of time, nonce and replay, on one target and edges whose clocks are off.

import { randomBytes } from 'node:crypto'
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { exportJWK, generateKeyPair } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dynamoAllowList } from '../../../../app/allowlist/dynamo-allow-list.ts'
import { transition } from '../../../../app/provisioning/transition.ts'
import { issueNonce } from '../../../../app/request/nonce.ts'
import { makeDeviceKey } from '../../../device-key.ts'
import {
  audience,
  csrMember,
  type LandfallAnswer,
  makeSigningKey,
  postLandfall,
  seconds,
} from '../../../landfall-request.ts'
import { type EdgeProcess, signedRequest } from '../../../stage.ts'
import {
  claimsOf,
  es256,
  expectRefused,
  forgeJws,
  invalidRequest,
  makeVictim,
  provisionVictim,
  setTarget,
  stale,
  type Target,
  type Victim,
  withoutTrace,
} from './attack.ts'

let target: Target
let own: Victim
/** Another deployment over the same table, with the same router key. */
let elsewhere: EdgeProcess
let behind: EdgeProcess
let ahead: EdgeProcess
const wrongAudience = { status: 400, type: 'wrong-audience' }
const tables = { table: 'iot-global-provisioning' }

beforeAll(async () => {
  target = await setTarget({})
  const { stage } = target
  ;[elsewhere, behind, ahead] = await Promise.all([
    stage.startEdge({ audience: 'https://other.test' }),
    stage.startEdge({}, -400),
    stage.startEdge({}, 90),
  ])
  own = await makeVictim(target, 'own')
})
afterAll(() => target?.stage.close())

const signed = (claims: Record<string, unknown>, victim = own) =>
  forgeJws({ alg: 'ES256' }, { ...claimsOf(victim), ...claims }, es256(victim))

async function nonceOf(edge: EdgeProcess): Promise<string> {
  return (await fetch(`${edge.url}/v1/nonce`)).headers.get('Replay-Nonce') ?? ''
}

describe('a time', () => {
  it.each<[string, () => Record<string, unknown>, typeof stale]>([
    ['of five minutes and a moment ago', () => ({ iat: seconds() - 301 }), stale],
    ['of a minute and some ahead', () => ({ iat: seconds() + 65 }), stale],
    ['of 1970', () => ({ iat: 0 }), stale],
    ['of the year 5138', () => ({ iat: 1e11 }), stale],
    ['before 1970', () => ({ iat: -1 }), invalidRequest],
    ['in milliseconds', () => ({ iat: Date.now() }), invalidRequest],
    ['in text', () => ({ iat: String(seconds()) }), invalidRequest],
    ['that is a date', () => ({ iat: new Date() }), invalidRequest],
    ['that is null', () => ({ iat: null }), invalidRequest],
    ['that is true', () => ({ iat: true }), invalidRequest],
    ['in a list', () => ({ iat: [seconds()] }), invalidRequest],
    ['that is none', () => ({ iat: undefined }), invalidRequest],
    [
      'for exp and nbf, which nobody reads, with none for iat',
      () => ({ iat: undefined, exp: 1e10, nbf: 1 }),
      invalidRequest,
    ],
  ])('%s', async (_, claims, problem) => {
    await expectRefused(target, signed(claims()), problem)
  })

  it('that is no finite number', async () => {
    const text = JSON.stringify(claimsOf(own)).replace(/"iat":[\d.]+/, '"iat":1e400')
    const jws = forgeJws({ alg: 'ES256' }, text, es256(own))
    await expectRefused(target, jws, invalidRequest)
  })

  it('just within the window is taken, at either end', async () => {
    for (const iat of [-295, 50]) {
      const victim = await makeVictim(target, `in-window${iat}`)
      const answer = await postLandfall(target.edge, signed({ iat: seconds() + iat }, victim))
      expect(answer.status).toBe(200)
    }
  })
})

describe('a clock that was ahead', () => {
  it('keeps its device out for no moment: the nonce is later still', async () => {
    const victim = await makeVictim(target, 'was-ahead')
    const first = await postLandfall(target.edge, signed({ iat: seconds() + 50 }, victim))
    expect(first.status).toBe(200)
    const csr = csrMember((await makeDeviceKey('was-ahead')).csr)
    const early = await postLandfall(target.edge, signed({ csr, iat: seconds() }, victim))
    expect([early.status, early.type]).toEqual([400, 'stale-request'])
    const { nonce } = early
    const again = await postLandfall(target.edge, signed({ csr, iat: undefined, nonce }, victim))
    expect(again.status).toBe(200)
    expect(again.body.certificateId).not.toBe(first.body.certificateId)
  })
})

describe('an audience', () => {
  it.each<[string, unknown, typeof stale]>([
    ['of another deployment', 'https://other.test', wrongAudience],
    ['with a slash behind', `${audience}/`, wrongAudience],
    ['in capitals', audience.toUpperCase(), wrongAudience],
    ['that begins alike', audience.slice(0, -1), wrongAudience],
    ['with a space before', ` ${audience}`, wrongAudience],
    ['with a NUL behind', `${audience}\u0000`, wrongAudience],
    ['of no letters', '', wrongAudience],
    ['that is any', '*', wrongAudience],
    ['in a list', [audience], invalidRequest],
    ['in a list with another', ['https://other.test', audience], invalidRequest],
    ['that is an object', { aud: audience }, invalidRequest],
    ['that is null', null, invalidRequest],
    ['that is none', undefined, invalidRequest],
    ['of 513 letters', 'a'.repeat(513), invalidRequest],
  ])('%s', async (_, aud, problem) => {
    await expectRefused(target, signed({ aud }), problem)
  })

  it('of this deployment, sent to another one', async () => {
    await expectRefused({ ...target, edge: elsewhere }, signed({}), wrongAudience)
  })
})

describe('a nonce', () => {
  it.each<[string, () => string | Promise<string>]>([
    ['of random bytes', () => randomBytes(30).toString('base64url')],
    ['made with another key', () => issueNonce(randomBytes(32), Date.now(), randomBytes(8))],
    ['made with no key', () => issueNonce(Buffer.alloc(0), Date.now(), randomBytes(8))],
    ['of another deployment with the same router key', () => nonceOf(elsewhere)],
    ['of more than five minutes ago', () => nonceOf(behind)],
    ['of a minute and more ahead', () => nonceOf(ahead)],
    ['that is cut', async () => (await nonceOf(target.edge)).slice(0, -1)],
    ['that is cut to its time', async () => (await nonceOf(target.edge)).slice(0, 8)],
    ['with a letter more', async () => `${await nonceOf(target.edge)}A`],
    ['with padding', async () => `${await nonceOf(target.edge)}==`],
    ['twice', async () => (await nonceOf(target.edge)).repeat(2)],
    ['in the alphabet of base64', async () => (await nonceOf(target.edge)).replace(/^../, '+/')],
    [
      'with its time changed',
      async () => `AaITl${(await nonceOf(target.edge)).slice(5).replace(/^./, 'X')}`,
    ],
    ['with its last bit changed', async () => flipped(await nonceOf(target.edge))],
    ['of no letters', () => ''],
  ])('%s, whatever iat says', async (_, nonce) => {
    await expectRefused(target, signed({ nonce: await nonce() }), stale)
  })

  it.each([
    ['that is a number', 1],
    ['that is null', null],
    ['in a list', ['x']],
    ['of 257 letters', 'n'.repeat(257)],
  ])('%s', async (_, nonce) => {
    await expectRefused(target, signed({ nonce }), invalidRequest)
  })

  it('makes one certificate: with another key it is stale', async () => {
    const victim = await makeVictim(target, 'nonce-twice')
    const nonce = await nonceOf(target.edge)
    const first = await postLandfall(target.edge, signed({ nonce, iat: undefined }, victim))
    expect(first.status).toBe(200)
    const csr = await anotherCsr(victim)
    await expectRefused(target, signed({ nonce, csr }, victim), stale)
  })
})

describe('a request that is sent again', () => {
  it('gets the same certificate for its CSR’s key, as often as it comes, and nothing is made', async () => {
    const victim = await makeVictim(target, 'again')
    const { jws, body } = await provisionVictim(target, victim)
    const answers = await withoutTrace(target, () =>
      Promise.all(Array.from({ length: 10 }, () => postLandfall(target.edge, jws))),
    )
    const { certificateId } = body
    for (const answer of answers)
      expect(answer).toMatchObject({ status: 200, body: { certificateId } })
  })

  it('before its first one was answered makes one identity', async () => {
    const victim = await makeVictim(target, 'at-once')
    const jws = signed({}, victim)
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => postLandfall(target.edge, jws)),
    )
    const good = answers.filter((it) => it.status === 200)
    expect(good.length).toBeGreaterThan(0)
    expect(new Set(good.map((it) => it.body.certificateId)).size).toBe(1)
    for (const it of answers) expect([200, 503]).toContain(it.status)
    const { unattached } = await target.stage.identities()
    expect(JSON.stringify(unattached)).not.toContain('at-once')
  })

  it('with a jwk gets no key a second time', async () => {
    const victim = await makeVictim(target, 'jwk-again')
    const { publicKey } = await generateKeyPair('ECDH-ES+A256KW')
    const jws = signed({ csr: undefined, jwk: await exportJWK(publicKey) }, victim)
    expect((await postLandfall(target.edge, jws)).status).toBe(200)
    await expectRefused(target, jws, stale)
  })

  it('after a later one replaced it is stale, and so is what was signed before either', async () => {
    const victim = await makeVictim(target, 'replaced')
    const before = signed({ csr: await anotherCsr(victim), iat: seconds() - 30 }, victim)
    const { jws } = await provisionVictim(target, victim)
    await expectRefused(target, before, stale)
    const later = { ...victim, csr: await anotherCsr(victim) }
    await provisionVictim(target, later)
    await expectRefused(target, jws, stale)
    await expectRefused(target, before, stale)
  })

  it.each<[string, (thing: string) => Promise<unknown>, LandfallAnswer['type']]>([
    ['was freed by hand', (thing) => freeByHand(thing), 'stale-request'],
    [
      'was freed and forgotten but for its time',
      (thing) => freeByHand(thing, ['certificate_id', 'csr_thumbprint', 'rev']),
      'stale-request',
    ],
    [
      'was moved to another region',
      (thing) =>
        change(thing, {
          type: 'move',
          by: 'an operator',
          region: 'us-east-1',
          attemptId: 'by-operator',
        }),
      'stale-request',
    ],
    [
      'was blocked',
      (thing) => change(thing, { type: 'block', by: 'an operator', attemptId: 'by-operator' }),
      'blocked',
    ],
  ])('after its device %s makes nothing', async (_, change, type) => {
    const sub = `after-${type}-${randomBytes(3).toString('hex')}`
    const victim = await makeVictim(target, sub)
    const { jws } = await provisionVictim(target, victim)
    await change(sub)
    const problem = { status: type === 'blocked' ? 403 : 400, type: String(type) }
    await expectRefused(target, jws, problem)
  })

  it('under another name, by a signer of them all, is not its request', async () => {
    const victim = await makeVictim(target, 'one-name')
    const jws = signed({}, victim)
    const other = { ...jws, payload: signed({ sub: 'own' }, victim).payload }
    await expectRefused(target, other, { status: 403, type: 'not-authorized' })
  })
})

describe('the seed contract, after this one', () => {
  const fleet = makeSigningKey()

  beforeAll(async () => {
    const { kty, n = '', e = '' } = publicJwk(target)
    await target.stage.changeProduct({
      signers: [
        { kid: 'seed', contracts: ['seed'], jwk: { kty, n, e } },
        { kid: 'fleet', contracts: ['landfall'], jwk: fleet.jwk },
      ],
      reprovisioning: { redeliverSeconds: 3600 },
    })
    await target.edge.stop()
    target = { ...target, edge: await target.stage.startEdge() }
  })

  it('makes nothing more, even while a seed device would be given a new certificate', async () => {
    await target.stage.allow('downgraded')
    const { csr } = await makeDeviceKey('downgraded')
    const claims = { ...claimsOf({ sub: 'downgraded', csr: csrMember(csr) }) }
    const jws = forgeJws({ alg: 'ES256', kid: 'fleet' }, claims, es256(fleet))
    const first = await postLandfall(target.edge, jws)
    expect((await postLandfall(target.edge, jws)).status).toBe(200)
    const { csr: other } = await makeDeviceKey('downgraded')
    const refused = await withoutTrace(target, async () => [
      await target.edge.post(signedRequest(target.stage, 'downgraded')),
      await target.edge.post(signedRequest(target.stage, 'downgraded', other)),
    ])
    for (const it of refused)
      expect(it).toMatchObject({ status: 403, body: { message: 'you not' } })
    const same = await withoutTrace(target, () =>
      target.edge.post(signedRequest(target.stage, 'downgraded', csr)),
    )
    expect(same.body.certificatePem).toBe(first.body.certificatePem)
  })

  it('is nothing for a device with a key of its own', async () => {
    const victim = await makeVictim(target, 'own-key')
    const answer = await withoutTrace(target, () =>
      target.edge.post(signedRequest(target.stage, 'own-key', victim.csrPem)),
    )
    expect(answer).toMatchObject({ status: 401, body: { message: 'wrong sig' } })
  })
})

async function anotherCsr({ sub }: Victim): Promise<string> {
  return csrMember((await makeDeviceKey(sub)).csr)
}

function flipped(nonce: string): string {
  const bytes = Buffer.from(nonce, 'base64url')
  const last = bytes.length - 1
  bytes[last] = (bytes[last] ?? 0) ^ 1
  return bytes.toString('base64url')
}

/** As docs/operators.md has it. */
async function freeByHand(thingName: string, forget: readonly string[] = []): Promise<void> {
  const removal = forget.length === 0 ? '' : ` REMOVE ${forget.join(', ')}`
  await target.stage.dynamoDb.send(
    new UpdateItemCommand({
      TableName: tables.table,
      Key: { thing_name: { S: thingName } },
      UpdateExpression: `SET prov_status = :free${removal}`,
      ExpressionAttributeValues: { ':free': { S: 'unprovisioned' } },
    }),
  )
}

async function change(thingName: string, event: Parameters<typeof transition>[1]): Promise<void> {
  const allowList = dynamoAllowList({ client: target.stage.dynamoDb, ...tables })
  const record = await target.stage.row(thingName)
  if (record === undefined) throw new Error('no such device')
  const outcome = transition(record, event, Date.now())
  if (outcome.type !== 'write') throw new Error('nothing to write')
  await allowList.save(record, outcome.next, AbortSignal.timeout(10_000))
}

function publicJwk({ stage }: Target) {
  const { kty = '', n, e } = stage.signingKey.export({ format: 'jwk' })
  return { kty, n, e }
}
