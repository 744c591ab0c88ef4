// The attacks below the contract (HTTP, sizes, budgets), on one target.

import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compact, postLandfall } from '../../../landfall-request.ts'
import type { EdgeProcess } from '../../../stage.ts'
import {
  claimsOf,
  es256,
  expectRefused,
  forgeJws,
  makeVictim,
  setTarget,
  type Target,
  withoutTrace,
} from './attack.ts'

let target: Target
/** Gives up after a second. */
let hasty: EdgeProcess
const tooLarge = { status: 413, type: 'request-too-large' }
const wrongType = { status: 415, type: 'unsupported-media-type' }

beforeAll(async () => {
  target = await setTarget({})
  hasty = await target.stage.startEdge({ deadlineSeconds: 1 })
  const own = await makeVictim(target, 'own')
  right = compact(forgeJws({ alg: 'ES256' }, claimsOf(own), es256(own)))
})
afterAll(() => target?.stage.close())

/** A right request; made once, since its length differs by the digits of its time. */
let right: string

/** Long enough for a second answer, where there is one. */
const pauseMs = 200

/** Sends bytes as they are, and gives what comes back until the peer closes or no more comes for a while. */
function raw(edge: EdgeProcess, text: string): Promise<string> {
  const { hostname, port } = new URL(edge.url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    let answered = ''
    let quiet = setTimeout(() => socket.destroy(), 5000)
    socket.on('data', (chunk) => {
      answered += chunk.toString('latin1')
      clearTimeout(quiet)
      quiet = setTimeout(() => socket.destroy(), pauseMs)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(quiet)
      resolve(answered)
    })
    socket.write(text, 'latin1')
  })
}

const statuses = (answered: string) =>
  [...answered.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((it) => Number(it[1]))
const post = (headers: readonly string[], body = '', path = '/v1/provision') =>
  [`POST ${path} HTTP/1.1`, 'Host: landfall.test', ...headers, '', body].join('\r\n')
const length = (body: string) => `Content-Length: ${Buffer.byteLength(body)}`
const jose = 'Content-Type: application/jose'
const close = 'Connection: close'

describe('a request that two programs would end at different places', () => {
  // What is smuggled would be seen: it is a request of its own, with an answer of its own.
  const smuggled = () => post([jose, length(right)], right)
  it.each<[string, () => string]>([
    [
      'with length and chunks',
      () =>
        post([jose, 'Content-Length: 4', 'Transfer-Encoding: chunked'], `0\r\n\r\n${smuggled()}`),
    ],
    [
      'with chunks and length',
      () =>
        post(
          [jose, 'Transfer-Encoding: chunked', `Content-Length: ${smuggled().length}`],
          `0\r\n\r\n${smuggled()}`,
        ),
    ],
    [
      'with two lengths',
      () => post([jose, 'Content-Length: 0', `Content-Length: ${smuggled().length}`], smuggled()),
    ],
    [
      'with two lengths in one',
      () => post([jose, `Content-Length: 0, ${smuggled().length}`], smuggled()),
    ],
    ['with a length below zero', () => post([jose, 'Content-Length: -1'], smuggled())],
    ['with a length with a plus', () => post([jose, 'Content-Length: +0'], smuggled())],
    ['with a length in hexadecimal', () => post([jose, 'Content-Length: 0x0'], smuggled())],
    [
      'with a length of 30 digits',
      () => post([jose, `Content-Length: ${'9'.repeat(30)}`], smuggled()),
    ],
    [
      'with chunks misspelled',
      () => post([jose, 'Transfer-Encoding: xchunked'], `0\r\n\r\n${smuggled()}`),
    ],
    [
      'with chunks that aren’t last',
      () => post([jose, 'Transfer-Encoding: chunked, identity'], `0\r\n\r\n${smuggled()}`),
    ],
    [
      'with a space before the colon',
      () => post([jose, 'Transfer-Encoding : chunked'], `0\r\n\r\n${smuggled()}`),
    ],
    [
      'with a chunk longer than it says',
      () => post([jose, 'Transfer-Encoding: chunked'], `1\r\nab\r\n0\r\n\r\n${smuggled()}`),
    ],
    [
      'with a chunk of no length',
      () => post([jose, 'Transfer-Encoding: chunked'], `zz\r\n\r\n${smuggled()}`),
    ],
    [
      'with a folded header',
      () =>
        post([jose, 'X: a\r\n b: c\r\nContent-Length: 0'], '').replace(
          'X: a\r\n b: c',
          'X: a\r\n\tContent-Length: 3',
        ),
    ],
    ['with a NUL in a header', () => post([jose, 'X: a\0b', 'Content-Length: 0'])],
    [
      'with a bare carriage return in a header',
      () => post([jose, 'X: a\rContent-Length: 5', 'Content-Length: 0']),
    ],
    [
      'with no host',
      () => post([jose, 'Content-Length: 0']).replace('Host: landfall.test\r\n', ''),
    ],
    [
      'with a host that is none',
      () => post([jose, 'Content-Length: 0']).replace('landfall.test', 'a b'),
    ],
    [
      'with a host that has a path',
      () => post([jose, 'Content-Length: 0']).replace('landfall.test', 'a/v1/nonce?x#y'),
    ],
    [
      'with a version that is none',
      () => post([jose, 'Content-Length: 0']).replace('HTTP/1.1', 'HTTP/3.7'),
    ],
    ['that begins HTTP/2', () => `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${smuggled()}`],
    ['with headers of 20 KB', () => post([jose, `X: ${'x'.repeat(20_000)}`, 'Content-Length: 0'])],
  ])('%s', async (_, text) => {
    const answered = await withoutTrace(target, () => raw(target.edge, text()))
    for (const status of statuses(answered)) expect([400, 415, 431, 505]).toContain(status)
    expect(statuses(answered).length).toBeLessThanOrEqual(1)
    expect(await healthy()).toBe(200)
  })

  it.each<[string, (body: string) => string, number]>([
    ['answered 413', (body) => post([jose, `Content-Length: ${16_385 + body.length}`], body), 413],
    ['answered 405', (body) => post([length(body)], body).replace('POST', 'PUT'), 405],
    ['answered 404', (body) => post([length(body)], body, '/v1/else'), 404],
    ['answered 415', (body) => post([length(body)], body), 415],
  ])('and was %s before its end does not begin anew within it', async (_, request, status) => {
    const answered = await withoutTrace(target, () => raw(target.edge, request(smuggled())))
    expect(statuses(answered)).toEqual([status])
  })
})

describe('a body', () => {
  it('that is cut off is no fault of the edge’s', async () => {
    for (const [path, contract] of [
      ['/v1/provision', 'landfall'],
      ['/device-provisioning', 'seed'],
    ]) {
      await withoutTrace(target, async () => {
        const { hostname, port } = new URL(target.edge.url)
        const socket = connect(Number(port), hostname)
        socket.write(post([jose, 'Content-Length: 100'], 'abc', path))
        await new Promise((resolve) => setTimeout(resolve, 100))
        socket.destroy()
        await expect
          .poll(() => target.edge.log.filter((it) => it.reason === 'incomplete-request').at(-1))
          .toMatchObject({ contract, level: 'info', outcome: 'refused', status: 400 })
      })
    }
  })

  it('that comes too slowly is no fault of the edge’s', async () => {
    const slow = (path: string) => raw(hasty, post([jose, 'Content-Length: 100'], 'abc', path))
    const [landfall, seed] = await withoutTrace(target, () =>
      Promise.all([slow('/v1/provision'), slow('/device-provisioning')]),
    )
    expect(statuses(landfall)).toEqual([408])
    expect(landfall).toContain('/problems/request-timeout')
    expect(landfall).toMatch(/Retry-After: \d+/i)
    // Its devices ask again on a 503 only.
    expect(statuses(seed)).toEqual([503])
    expect(seed).toContain('try again later')
    const lines = hasty.log.filter((it) => it.reason === 'slow-request')
    expect(lines.map((it) => [it.level, it.outcome])).toEqual(Array(2).fill(['info', 'refused']))
  })

  it('of 16 KiB is read; of a byte more it isn’t, whether it says so or not', async () => {
    const at = (size: number) => 'x'.repeat(size)
    await expectRefused(target, at(16_384), { status: 400, type: 'invalid-request' })
    await expectRefused(target, at(16_385), tooLarge)
    const chunked = (size: number) =>
      raw(
        target.edge,
        post(
          [jose, 'Transfer-Encoding: chunked'],
          `${size.toString(16)}\r\n${at(size)}\r\n0\r\n\r\n`,
        ),
      )
    const [within, beyond] = await withoutTrace(target, () =>
      Promise.all([chunked(16_384), chunked(16_385)]),
    )
    expect([statuses(within), statuses(beyond)]).toEqual([[400], [413]])
    // So long that the server hangs up on it, perhaps before the answer is read.
    const endless = await withoutTrace(target, () => chunked(1_000_000))
    expect([[], [413]]).toContainEqual(statuses(endless))
    const seed = await withoutTrace(target, () => target.edge.post(at(16_385)))
    expect(seed).toMatchObject({ status: 413, body: { message: 'request too large' } })
  })

  it('that says it is longer than anything is refused before it comes', async () => {
    const answered = await withoutTrace(target, () =>
      raw(target.edge, post([jose, 'Content-Length: 99999999999'], 'x')),
    )
    expect(statuses(answered)).toEqual([413])
  })

  it.each([
    ['text/plain'],
    ['application/json'],
    ['application/jwt'],
    ['application/jose-json'],
    ['application/jose, application/jose+json'],
    ['application/josé'],
    ['x; application/jose'],
    ['multipart/form-data; boundary=application/jose'],
    [''],
  ])('of type %j', async (contentType) => {
    await expectRefused(target, right, wrongType, { contentType })
  })

  it('of two types', async () => {
    const types = [
      'Content-Type: application/jose',
      'Content-Type: application/jose+json',
      'Connection: close',
    ]
    const answered = await withoutTrace(target, () =>
      raw(target.edge, post([...types, length(right)], right)),
    )
    expect(statuses(answered)).toEqual([415])
  })

  it('that is compressed is not unpacked', async () => {
    const zipped = gzipSync(right).toString('latin1')
    const text = post([jose, 'Content-Encoding: gzip', `Content-Length: ${zipped.length}`], zipped)
    expect(statuses(await withoutTrace(target, () => raw(target.edge, text)))).toEqual([400])
  })
})

describe('a method', () => {
  it.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'LOCK'])(
    '%s provisions nothing',
    async (method) => {
      for (const path of ['/v1/provision', '/device-provisioning']) {
        const text = post([jose, close, length(right), 'X-HTTP-Method-Override: POST'], right, path)
        const answered = await withoutTrace(target, () =>
          raw(target.edge, text.replace('POST', method)),
        )
        expect(statuses(answered)).toEqual([405])
        expect(answered).toMatch(/Allow: POST/i)
      }
    },
  )

  it('CONNECT opens no way to elsewhere', async () => {
    const text = 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n'
    expect(statuses(await withoutTrace(target, () => raw(target.edge, text)))).toEqual([])
    expect(await healthy()).toBe(200)
  })
})

describe('a path', () => {
  it.each([
    '/v1/provision/',
    '//v1/provision',
    '/v1//provision',
    '/V1/PROVISION',
    '/v1/provision%00',
    '/v1%2fprovision',
    '/v1/provision;x',
    '/v1/provision/..;/provision',
    '/problems/../v1/provisio',
    '/problems/__proto__',
    '/problems/%2e%2e%2fetc%2fpasswd',
    '/problems/%E0%A4%A',
    '/../../etc/passwd',
    '/.env',
  ])('%s leads nowhere', async (path) => {
    const answered = await withoutTrace(target, () =>
      raw(target.edge, post([jose, close, length(right)], right, path)),
    )
    expect([[404], [405]]).toContainEqual(statuses(answered))
  })
})

describe('a forwarded address', () => {
  it.each<[string, string]>([
    ['that is none', 'evil'],
    ['with a port', '134.226.1.1:80'],
    ['with a line of the log', '134.226.1.1 {"a":1}'],
    ['in hexadecimal', '0x86e20101'],
    ['in octal', '0206.0342.01.01'],
    ['of a thousand', Array(1000).fill('134.226.1.1').join(',')],
    ['of commas', ','.repeat(500)],
    ['of a zone', 'fe80::1%eth0'],
  ])('%s makes no fault', async (_, address) => {
    const answer = await withoutTrace(target, () => postLandfall(target.edge, 'x', { address }))
    expect(answer).toMatchObject({ status: 400, type: 'invalid-request' })
    await expect.poll(() => target.edge.log.at(-1)?.requestId).toBe(answer.body.requestId)
    expect(String(target.edge.log.at(-1)?.address)).toMatch(/^[\d.:a-f]+(%eth0)?$/)
  })

  it('written by a device that no trusted proxy stands before counts for nothing', async () => {
    const edge = await target.stage.startEdge({
      trustedProxies: [],
      addressLimit: { requests: 3, perSeconds: 60 },
    })
    const seen = []
    for (const last of [1, 2, 3, 4]) {
      seen.push((await postLandfall(edge, 'x', { address: `134.226.1.${last}` })).status)
    }
    expect(seen).toEqual([400, 400, 400, 429])
    await expect
      .poll(() => edge.log.filter((it) => it.msg === 'request').map((it) => it.address))
      .toEqual(Array(4).fill('127.0.0.1'))
    await edge.stop()
  })
})

async function healthy(): Promise<number> {
  return (await fetch(`${target.edge.url}/healthz`)).status
}
