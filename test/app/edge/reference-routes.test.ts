import { Validator } from '@seriousme/openapi-schema-validator'
import { beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type ProblemName, problemNames, problemTypes } from '../../../app/edge/problem-types.ts'
import { type FuzzEdge, openFuzzEdge } from '../../fuzz/fuzz-edge.ts'
import { audience } from '../../landfall-request.ts'

let edge: FuzzEdge

beforeAll(async () => {
  edge = await openFuzzEdge([], [])
})

const ask = (path: string, method = 'GET') =>
  edge.fetch(new Request(`${audience}${path}`, { method }))

const document = z.looseObject({
  openapi: z.string(),
  info: z.looseObject({}),
  paths: z.record(
    z.string(),
    z.record(z.string(), z.looseObject({ operationId: z.string(), responses: z.looseObject({}) })),
  ),
  components: z.looseObject({ schemas: z.record(z.string(), z.looseObject({})) }),
})
type Document = z.infer<typeof document>

const readDocument = async () => document.parse(await (await ask('/openapi.json')).json())

/** What the OpenAPI Initiative's schema for its version, or a reference into nothing, has against it. */
async function faultsOf(given: Document): Promise<unknown> {
  const validator = new Validator()
  const { valid, errors = 'no reason' } = await validator.validate(given)
  return valid ? validator.version : errors
}

describe('/openapi.json', () => {
  it('is a valid OpenAPI 3.1 document, which names the deployment', async () => {
    const answer = await ask('/openapi.json')
    expect([answer.status, answer.headers.get('Content-Type')]).toEqual([200, 'application/json'])
    expect(answer.headers.get('Cache-Control')).toBe('public, max-age=300')
    const read = await readDocument()
    expect(read.openapi).toMatch(/^3\.1\./)
    expect(await faultsOf(read)).toBe('3.1')
    expect(read.info.description).toContain(audience)
  })

  it.each<[string, (it: Document) => void]>([
    ['lacks its version', (it) => delete it.info.version],
    ['has a path without a slash', (it) => Object.assign(it.paths, { 'v1/provision': {} })],
    ['has a member that there isn’t', (it) => Object.assign(it.info, { titel: 'Landfall' })],
    ['refers to a schema that it lacks', (it) => delete it.components.schemas.Answer],
    ['has a schema that is none', (it) => Object.assign(it.components.schemas, { Answer: 7 })],
    [
      'has a response of no status',
      (it) => Object.assign(it.paths['/v1/jwks']?.get?.responses ?? {}, { 2000: {} }),
    ],
  ])('would be found invalid where it %s', async (_, breakIt) => {
    const broken = await readDocument()
    breakIt(broken)
    expect(await faultsOf(broken)).not.toBe('3.1')
  })

  it('describes routes that there are, each by a name of its own', async () => {
    const { paths } = await readDocument()
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => ({ path, method, operationId })),
    )
    expect(new Set(routes.map((it) => it.operationId)).size).toBe(routes.length)
    for (const { path, method } of routes) {
      expect((await ask(path, method.toUpperCase())).status).not.toBe(404)
      expect((await ask(path, 'DELETE')).status).toBe(405)
    }
  })

  // The validator doesn't look into schemas.
  it('has schemas that tell what the router takes and gives', async () => {
    const { schemas } = (await readDocument()).components
    const read = Object.fromEntries(
      Object.entries(schemas).map(([name, schema]) => [name, z.fromJSONSchema(schema)]),
    )
    const takes = (name: string, value: unknown) => read[name]?.safeParse(value).success
    const payload = { sub: 'lamp-1', aud: audience, iat: 1, csr: 'MIIB' }
    expect(takes('Payload', payload)).toBe(true)
    expect(takes('Payload', { ...payload, aud: 7 })).toBe(false)
    expect(takes('ProtectedHeader', { alg: 'ES256', typ: 'any' })).toBe(true)
    expect(takes('ProtectedHeader', { alg: 'none' })).toBe(false)
    const jws = { protected: 'e30', payload: 'e30', signature: 'AAAA' }
    expect(takes('FlattenedJws', jws)).toBe(true)
    expect(takes('FlattenedJws', { ...jws, header: {} })).toBe(false)
    const problem = await (await ask('/nothing')).json()
    expect(takes('Problem', problem)).toBe(true)
    expect(takes('Problem', { ...Object(problem), status: '404' })).toBe(false)
  })
})

/** As a browser shows it. */
const shown = (html: string) =>
  html.replace(/&(?:amp|lt|gt|quot|#39);/g, (it) => entities[it] ?? it)
const entities: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
}

describe.each(['/docs', ...problemNames.map((name) => `/problems/${name}`)])('%s', (path) => {
  it('is a page that runs nothing, loads nothing, and stands in no frame', async () => {
    const answer = await ask(path)
    expect([answer.status, answer.headers.get('Content-Type')]).toEqual([
      200,
      'text/html; charset=UTF-8',
    ])
    const policy = answer.headers.get('Content-Security-Policy')?.split('; ')
    expect(new Set(policy)).toEqual(
      new Set([
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ]),
    )
    expect(answer.headers.get('X-Content-Type-Options')).toBe('nosniff')
    const html = await answer.text()
    expect(html).toMatch(/^<!doctype html>/)
    expect(html).not.toMatch(/<script|<iframe|<link|<img|\son\w+=|javascript:|@import|url\(/i)
    const urls = [...html.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, url]) => url)
    expect(urls).not.toHaveLength(0)
    expect(urls.filter((url) => !/^\/(?!\/)/.test(url ?? ''))).toEqual([])
  })
})

describe('/problems/<name>', () => {
  it.each(problemNames)('%s says what it means and what to do', async (name: ProblemName) => {
    const { title, meaning, remedy, status, retry } = problemTypes[name]
    const html = shown(await (await ask(`/problems/${name}`)).text())
    for (const text of [title, meaning, remedy]) expect(html).toContain(text)
    expect(html).toContain(`<code>${name}</code>, HTTP ${status}`)
    expect(html.includes('with Retry-After')).toBe(retry)
  })

  it.each(['nothing', 'Not-Found', '__proto__', 'toString', 'not-found/', '%3Cscript%3E', ''])(
    '%j is a problem itself: not found',
    async (name) => {
      const answer = await ask(`/problems/${name}`)
      expect([answer.status, answer.headers.get('Content-Type')]).toEqual([
        404,
        'application/problem+json',
      ])
      expect(await answer.json()).toMatchObject({ type: '/problems/not-found', status: 404 })
    },
  )
})

describe('/docs', () => {
  it('links every problem, and every link leads somewhere', async () => {
    const html = await (await ask('/docs')).text()
    const links = [...html.matchAll(/href="([^"]*)"/g)].map(([, path = '']) => path)
    expect(links).toEqual(expect.arrayContaining(problemNames.map((name) => `/problems/${name}`)))
    for (const path of links) expect((await ask(path)).status).toBe(200)
  })

  it('lists every route and every object of the document', async () => {
    const html = await (await ask('/docs')).text()
    const { paths, components } = await readDocument()
    for (const path of Object.keys(paths)) expect(html).toContain(`<code>${path}</code>`)
    for (const name of Object.keys(components.schemas)) expect(html).toContain(`<h3>${name}</h3>`)
  })
})

describe.each(['/openapi.json', '/docs', '/problems/blocked'])('%s', (path) => {
  it('answers HEAD as GET without a body, and nothing else', async () => {
    const [get, head] = await Promise.all([ask(path), ask(path, 'HEAD')])
    expect([head.status, await head.text()]).toEqual([200, ''])
    expect([...head.headers]).toEqual([...get.headers])
    for (const method of ['POST', 'PUT', 'DELETE']) {
      expect((await ask(path, method)).status).toBe(404)
    }
  })
})
