import { Hono } from 'hono'
import { z } from 'zod'
import type { CallLog } from './calls.ts'
import { type Faults, faultSchema } from './faults.ts'
import type { Quotas } from './quotas.ts'

const MAX_BODY_BYTES = 64 * 1024

const quotaSchema = z.strictObject({
  service: z.string().default('iot'),
  operation: z.string().optional(),
  region: z.string().optional(),
  perSecond: z.number().min(0).max(1_000_000).nullable(),
})

/**
 * What tests steer the machine with: plain JSON over HTTP, on loopback, without signatures.
 * Every refusal is `{ "message": … }` with 400 or 404.
 */
export function createControl(dependencies: {
  readonly calls: CallLog
  readonly faults: Faults
  readonly quotas: Quotas
}): Hono {
  const { calls, faults, quotas } = dependencies
  const app = new Hono()

  app.get('/calls', (c) => {
    const after = c.req.query('after') ?? '0'
    if (!/^\d{1,15}$/.test(after)) throw new InputError("'after' must be a call's seq")
    return c.json({ calls: calls.after(Number(after)) })
  })
  app.delete('/calls', (c) => {
    calls.clear()
    return c.body(null, 204)
  })

  app.get('/faults', (c) => c.json({ faults: faults.list() }))
  app.post('/faults', async (c) => {
    const fault = faults.add(parse(faultSchema, await readText(c.req.raw)))
    return c.json({ id: fault.id }, 201)
  })
  app.delete('/faults', (c) => {
    faults.clear()
    return c.body(null, 204)
  })
  app.delete('/faults/:id', (c) => {
    const id = c.req.param('id')
    return faults.remove(id) ? c.body(null, 204) : c.json({ message: `no fault ${id}` }, 404)
  })

  app.put('/quotas', async (c) => {
    quotas.override(parse(quotaSchema, await readText(c.req.raw)))
    return c.body(null, 204)
  })
  app.delete('/quotas', (c) => {
    quotas.reset()
    return c.body(null, 204)
  })

  app.notFound((c) => c.json({ message: `no ${c.req.method} ${c.req.path} here` }, 404))
  app.onError((error, c) => {
    if (error instanceof InputError) return c.json({ message: error.message }, 400)
    throw error
  })
  return app
}

class InputError extends Error {}

async function readText(request: Request): Promise<string> {
  const length = Number(request.headers.get('content-length') ?? '0')
  if (!(length <= MAX_BODY_BYTES)) throw new InputError(`the body is over ${MAX_BODY_BYTES} bytes`)
  return request.text()
}

function parse<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new InputError('the body is not JSON')
  }
  const result = schema.safeParse(value)
  if (!result.success) throw new InputError(z.prettifyError(result.error))
  return result.data
}
