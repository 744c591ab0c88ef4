import type { Context, Hono } from 'hono'
import { openApi } from './openapi.ts'
import { type ProblemName, problemNames, problemTypes } from './problem-types.ts'
import type { LandfallDeployment } from './provision-landfall-device.ts'
import { problemPage, referencePage } from './reference-pages.ts'

/** What people read: the contract as OpenAPI and as a page, and what each problem means. */
export function addReferenceRoutes(app: Hono, { audience }: LandfallDeployment): void {
  app.get('/openapi.json', (c) => {
    c.header('Cache-Control', 'public, max-age=300')
    return c.json(openApi(audience))
  })
  app.get('/docs', (c) => page(c, referencePage(audience)))
  app.get('/problems/:name', async (c, next) => {
    const name = c.req.param('name')
    if (!isProblem(name)) return await next()
    return page(c, problemPage(name, problemTypes[name]))
  })
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
