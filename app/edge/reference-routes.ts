import type { Context, Hono } from 'hono'
import { openApi } from './openapi.ts'
import { type ProblemName, problemNames, problemTypes } from './problem-types.ts'
import type { LandfallDeployment } from './provision-landfall-device.ts'
import { problemPage, referencePage } from './reference-pages.ts'

/** What people read: the contract as OpenAPI and as a page, and what each problem means. */
export function addReferenceRoutes(app: Hono, { audience }: LandfallDeployment): void {
  // Made once somebody asks for them: devices never do.
  const description = once(() => openApi(audience))
  const reference = once(() => referencePage(audience))
  app.get('/openapi.json', (c) => {
    c.header('Cache-Control', 'public, max-age=300')
    return c.json(description())
  })
  app.get('/docs', (c) => page(c, reference()))
  app.get('/problems/:name', async (c, next) => {
    const name = c.req.param('name')
    if (!isProblem(name)) return await next()
    return page(c, problemPage(name, problemTypes[name]))
  })
}

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

function isProblem(name: string): name is ProblemName {
  return problemNames.some((it) => it === name)
}

/** Static: no script, nothing from elsewhere, in no other site's frame. */
function page(c: Context, html: string): Response {
  c.header('Cache-Control', 'public, max-age=300')
  c.header(
    'Content-Security-Policy',
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  )
  c.header('X-Content-Type-Options', 'nosniff')
  c.header('Referrer-Policy', 'no-referrer')
  return c.html(html)
}
