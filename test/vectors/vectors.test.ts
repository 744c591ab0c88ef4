import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { CompactSign, compactDecrypt } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { AppError } from '../../app/app-error.ts'
import { findReceiptFault } from '../../app/cli/device/receipt.ts'
import { answerSchema } from '../../app/edge/landfall-answer.ts'
import { parseCsr, parseCsrDer } from '../../app/request/csr.ts'
import { getIssueTime } from '../../app/request/freshness.ts'
import { parseLandfallRequest } from '../../app/request/landfall-request.ts'
import { findNonceTime } from '../../app/request/nonce.ts'
import { parseRouterKeys, type RouterKeys } from '../../app/request/router-keys.ts'
import { signingJwk } from '../../app/request/signing-jwk.ts'
import { isSignedByItsOwn, type Trust } from '../../app/request/verify-request.ts'
import { decryptJwe, thumbprint, verifies } from './independent.ts'
import { readVectorFile, readVectors, refusalsSchema, type Vector } from './vector.ts'

const vectors = await readVectors()
const refused = refusalsSchema.parse(await readVectorFile('refused.json'))
const routerJwks = (await readVectorFile('router.jwks.json')) as {
  keys: { kid: string; kty: string }[]
}
const product = 'default'
const rules = { maxAgeSeconds: 300, maxAheadSeconds: 60, nonceSeconds: 300 }
let router: RouterKeys

beforeAll(async () => {
  const keys = await readVectorFile('router.keys.json')
  router = await parseRouterKeys(JSON.stringify(keys), refused.audience)
})

/** What an edge knows that trusts whom the vector says. */
function edgeOf({ trust: { publicKey, signer, factoryCaPem } }: Pick<Vector, 'trust'>) {
  const jwk = signer && signingJwk.parse(signer.jwk)
  const trust: Trust = {
    signers:
      signer && jwk
        ? [
            {
              product,
              kid: signer.kid,
              jwk,
              key: createPublicKey({ key: signer.jwk, format: 'jwk' }),
              contracts: ['landfall'],
              algorithms: ['ES256'],
            },
          ]
        : [],
    factoryCas:
      factoryCaPem === undefined
        ? []
        : [{ product, name: 'factory', certificate: new X509Certificate(factoryCaPem).raw }],
  }
  return { trust, device: { product, publicKey: publicKey && signingJwk.parse(publicKey) } }
}

/** The first thing that an edge would find wrong with a request, in the contract's order. */
async function findProblem(
  compact: string,
  given: Pick<Vector, 'audience' | 'now' | 'trust'>,
): Promise<string | undefined> {
  const nonceTime = (nonce: string) => findNonceTime(router.nonceKeys, nonce)
  try {
    const request = parseLandfallRequest(compact, false)
    if (request.audience !== given.audience) return 'wrong-audience'
    getIssueTime(request, rules, nonceTime, given.now * 1000)
    const { trust, device } = edgeOf(given)
    if (!(await isSignedByItsOwn(request, trust, device, given.now * 1000))) return 'not-authorized'
    if (request.csr !== undefined) await parseCsrDer(request.csr, request.thingName)
    return undefined
  } catch (error) {
    if (error instanceof AppError) return error.code === 'stale' ? 'stale-request' : error.code
    throw error
  }
}

const base64url = (text: string) => Buffer.from(text, 'utf8').toString('base64url')

describe.each(vectors)('%s', (_name, vector) => {
  const { request, receipt, answer } = vector
  const header = JSON.parse(request.headerText)
  const payload = JSON.parse(request.payloadText)

  it('is put together as RFC 7515 says', () => {
    for (const part of [request, receipt]) {
      expect(`${base64url(part.headerText)}.${base64url(part.payloadText)}`).toBe(part.signingInput)
      expect(`${part.signingInput}.${part.signature}`).toBe(part.compact)
    }
    expect(Object.values(request.flattened).join('.')).toBe(request.compact)
    expect(answer.receipt).toBe(receipt.compact)
  })

  it('verifies with node:crypto alone', () => {
    expect(verifies(request.compact, vector.signingKey, header.alg)).toBe(true)
    expect(thumbprint(vector.signingKey)).toBe(vector.thumbprint)
    const [routerKey] = routerJwks.keys
    expect(JSON.parse(receipt.headerText).kid).toBe(thumbprint(routerKey ?? {}))
    expect(verifies(receipt.compact, routerKey ?? {}, 'ES256')).toBe(true)
    const certificate = new X509Certificate(answer.certificatePem)
    const key = createPrivateKey(vector.deviceKeyPem ?? vector.delivered?.plaintext ?? '')
    expect(certificate.checkPrivateKey(key)).toBe(true)
    expect(certificate.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(answer.certificateId)
  })

  it('is taken by an edge that trusts its key, and by no other', async () => {
    expect(await findProblem(request.compact, vector)).toBeUndefined()
    const flattened = parseLandfallRequest(JSON.stringify(request.flattened), true)
    expect(flattened).toEqual(parseLandfallRequest(request.compact, false))
    expect(await findProblem(request.compact, { ...vector, trust: {} })).toBe('not-authorized')
    expect(answerSchema.parse(answer)).toEqual(answer)
  })

  it('asks for the key that it says', async () => {
    if (vector.csrPem !== undefined) {
      const csr = await parseCsr(vector.csrPem, vector.thingName)
      expect(await parseCsrDer(Buffer.from(payload.csr, 'base64url'), vector.thingName)).toEqual(
        csr,
      )
      expect(csr.key.equals(createPublicKey(vector.deviceKeyPem ?? ''))).toBe(true)
      expect(answer).not.toHaveProperty('privateKeyJwe')
      return
    }
    const { d: _d, ...publicHalf } = vector.deliveryKey ?? { kty: '' }
    expect(payload.jwk).toEqual(publicHalf)
    const jwe = answer.privateKeyJwe ?? ''
    expect(base64url(vector.delivered?.headerText ?? '')).toBe(jwe.split('.')[0])
    expect(JSON.parse(vector.delivered?.headerText ?? '').kid).toBe(thumbprint(publicHalf))
    expect(decryptJwe(jwe, vector.deliveryKey ?? {})).toBe(vector.delivered?.plaintext)
    const { plaintext } = await compactDecrypt(jwe, vector.deliveryKey ?? {})
    expect(new TextDecoder().decode(plaintext)).toBe(vector.delivered?.plaintext)
  })

  it('is believed by the reference device', async () => {
    const success = answerSchema.parse(answer)
    const expected = { thing: vector.thingName, audience: vector.audience }
    expect(await findReceiptFault(success, routerJwks, expected)).toBeUndefined()
  })
})

// ECDSA and RSASSA-PSS draw a random number for each signature; these don't.
const deterministic = vectors.filter(([name]) => /(rs256|eddsa|ed25519)\.json$/.test(name))

it.each(deterministic)('%s is what every signer makes', async (_name, { request, signingKey }) => {
  const key = createPrivateKey({ key: signingKey, format: 'jwk' })
  const again = await new CompactSign(new TextEncoder().encode(request.payloadText))
    .setProtectedHeader(JSON.parse(request.headerText))
    .sign(key)
  expect(again).toBe(request.compact)
})

describe('refused.json', () => {
  it.each(refused.requests)('the edge refuses: $title ($problem)', async ({ compact, problem }) => {
    const trust = { publicKey: refused.publicKey }
    expect(await findProblem(compact, { ...refused, trust })).toBe(problem)
  })

  it.each(refused.receipts)('the device refuses a receipt: $title', async ({ receipt }) => {
    const success = answerSchema.parse({ ...refused.answer, receipt })
    const expected = { thing: refused.thingName, audience: refused.audience }
    expect(await findReceiptFault(success, routerJwks, expected)).toBeDefined()
    const good = answerSchema.parse(refused.answer)
    expect(await findReceiptFault(good, routerJwks, expected)).toBeUndefined()
  })
})

describe('the vectors', () => {
  it('have every algorithm, and every way to be trusted, dated and given a key', () => {
    const all = vectors.map(([, it]) => ({
      ...JSON.parse(it.request.headerText),
      ...JSON.parse(it.request.payloadText),
    }))
    expect(new Set(all.map((it) => it.alg))).toEqual(
      new Set(['ES256', 'ES384', 'EdDSA', 'Ed25519', 'PS256', 'RS256']),
    )
    for (const member of ['kid', 'x5c', 'iat', 'nonce', 'csr']) {
      expect(
        all.some((it) => member in it),
        member,
      ).toBe(true)
    }
    const curves = all.flatMap((it) => (it.jwk === undefined ? [] : [it.jwk.crv]))
    expect(curves.toSorted()).toEqual(['P-256', 'X25519'])
  })
})
