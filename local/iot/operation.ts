import { z } from 'zod'
import { AwsError, type ServiceRequest } from '../service.ts'
import type { Authority } from './authority.ts'
import type { Registry } from './registry.ts'
import type { Scope } from './store.ts'

/** What an operation may reach. Times are seconds since 1970. */
export type OperationContext = {
  readonly scope: Scope
  readonly registry: Registry
  readonly authority: Authority
  readonly now: () => number
  readonly endpointAddress: () => string
  /** Tells the brokers that a certificate may no longer be ACTIVE. */
  readonly certificateChanged: (certificateId: string) => void
}

export type Operation = {
  readonly name: string
  readonly method: string
  /** A path with `{member}` for a whole segment. */
  readonly path: string
  run(context: OperationContext, request: ServiceRequest, path: Members): Promise<object>
}

/** Path members by name, percent-decoded. */
export type Members = Readonly<Record<string, string>>

/**
 * One restJson1 operation: `route` is "METHOD /path/{member}", `query` lists the members that live in
 * the query string, `headers` maps members to header names, all others live in the JSON body.
 * A member that doesn't fit `input` is AWS's InvalidRequestException.
 */
export function operation<T>(definition: {
  name: string
  route: string
  input: z.ZodType<T>
  query?: Readonly<Record<string, string>>
  headers?: Readonly<Record<string, string>>
  run: (context: OperationContext, input: T) => object | Promise<object>
}): Operation {
  const { name, route, input, query = {}, headers = {}, run } = definition
  const [method = '', path = ''] = route.split(' ')
  return {
    name,
    method,
    path,
    run: async (context, request, pathMembers) => {
      const members: Record<string, unknown> = { ...bodyOf(request) }
      for (const [member, key] of Object.entries(query)) {
        members[member] = request.query.get(key) ?? undefined
      }
      for (const [member, key] of Object.entries(headers)) members[member] = request.headers[key]
      const parsed = input.safeParse({ ...members, ...pathMembers })
      if (!parsed.success) throw invalidRequest(explain(parsed.error))
      return run(context, parsed.data)
    },
  }
}

/** A missing member and a null one are the same to AWS. */
function bodyOf(request: ServiceRequest): Record<string, unknown> {
  if (request.body.length === 0) return {}
  let body: unknown
  try {
    body = JSON.parse(request.body.toString('utf8'))
  } catch {
    throw new AwsError('SerializationException', 400, 'The request body is not JSON')
  }
  const object = z.record(z.string(), z.unknown()).safeParse(body)
  if (!object.success) {
    throw new AwsError('SerializationException', 400, 'The request body is not a JSON object')
  }
  return Object.fromEntries(Object.entries(object.data).filter(([, value]) => value !== null))
}

function explain(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')
}

export function invalidRequest(message: string): AwsError {
  return new AwsError('InvalidRequestException', 400, message)
}

export function notFound(message: string): AwsError {
  return new AwsError('ResourceNotFoundException', 404, message)
}

/** A query member that is true or false; absent is false. */
export const flag = z
  .enum(['true', 'false'])
  .optional()
  .transform((text) => text === 'true')

/** A member of the API that this stand-in doesn't serve: refused, never ignored. */
export const unsupported = z.undefined('not supported by this stand-in').optional()
