import * as z from 'zod'
import { flattenedSchema, headerSchema, payloadSchema } from '../request/landfall-request.ts'
import { receiptSchema } from '../request/router-keys.ts'
import { answerSchema, problemSchema } from './landfall-answer.ts'
import { type ProblemName, problemNames, problemTypes } from './problem-types.ts'

/** Those that a provisioning request may come to; the others are of any route. */
const ofProvisioning = problemNames.filter(
  (name) => name !== 'not-found' && name !== 'method-not-allowed',
)

/**
 * The Landfall contract as OpenAPI 3.1, whose schemas are the ones that validate requests and that type
 * answers. `audience` is the server's own name for itself.
 */
export function openApi(audience: string) {
  return {
    openapi: '3.1.1',
    info: {
      title: 'Landfall',
      version: '1',
      description: `How devices are provisioned by the deployment ${audience}.`,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths: {
      '/v1/provision': {
        post: {
          operationId: 'provision',
          summary: 'Ask for the identity of a device',
          description:
            'The body is a JWS (RFC 7515) of ProtectedHeader and Payload, signed by whom the allow-list or the product trusts.',
          requestBody: {
            required: true,
            content: {
              'application/jose': {
                schema: { type: 'string', description: 'Compact serialization of a JWS.' },
              },
              'application/jose+json': { schema: reference('FlattenedJws') },
            },
          },
          responses: {
            200: {
              description: 'The identity.',
              headers: { ...requestIdHeader },
              content: { 'application/json': { schema: reference('Answer') } },
            },
            ...problemResponses(ofProvisioning),
          },
        },
      },
      '/v1/nonce': {
        get: {
          operationId: 'nonce',
          summary: 'A nonce, for a device without a clock',
          responses: {
            204: { description: 'The nonce is in Replay-Nonce.', headers: { ...nonceHeader } },
            ...problemResponses(['too-many-requests']),
          },
        },
      },
      '/v1/jwks': {
        get: {
          operationId: 'jwks',
          summary: 'The public keys that receipts are verified by',
          responses: {
            200: {
              description: 'A JWK Set (RFC 7517).',
              content: { 'application/jwk-set+json': { schema: { type: 'object' } } },
            },
          },
        },
      },
    },
    components: {
      schemas: {
        FlattenedJws: schemaOf(flattenedSchema),
        ProtectedHeader: schemaOf(headerSchema),
        Payload: schemaOf(payloadSchema),
        Answer: schemaOf(answerSchema),
        Receipt: schemaOf(receiptSchema),
        Problem: schemaOf(problemSchema),
      },
    },
  }
}

const requestIdHeader = {
  'X-Request-Id': {
    description: 'Names the request in the edge’s log.',
    schema: { type: 'string' },
  },
}
const nonceHeader = {
  'Replay-Nonce': {
    description: 'A nonce to sign with at once (the pattern of RFC 8555 section 6.5).',
    schema: { type: 'string', pattern: '^[A-Za-z0-9_-]+$' },
  },
}
const retryHeader = {
  'Retry-After': {
    description: 'Seconds to wait at least.',
    schema: { type: 'integer', minimum: 1, maximum: 120 },
  },
}

/** One response for each status, which may stand for several problems. */
function problemResponses(names: readonly ProblemName[]) {
  const byStatus = Map.groupBy(names, (name) => problemTypes[name].status)
  return Object.fromEntries(
    [...byStatus].map(([status, sharing]) => [
      status,
      {
        description: sharing.map((name) => `\`${name}\`: ${problemTypes[name].title}.`).join(' '),
        headers: {
          ...requestIdHeader,
          ...(sharing.some((name) => problemTypes[name].retry) ? retryHeader : {}),
          ...(sharing.includes('stale-request') ? nonceHeader : {}),
        },
        content: { 'application/problem+json': { schema: reference('Problem') } },
      },
    ]),
  )
}

function reference(name: string) {
  return { $ref: `#/components/schemas/${name}` }
}

/** Draft 2020-12, which OpenAPI 3.1 takes as it is; the dialect is the document's own. */
function schemaOf(schema: z.ZodType) {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input' })
  return rest
}
