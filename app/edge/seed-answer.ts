import type { Context } from 'hono'
import type { Landing } from './land-device.ts'
import type { ProblemAnswer } from './problems.ts'

/**
 * Success under the seed contract: `status`, `region`, `endpointAddress`, `certificatePem`, `distance`
 * (kilometres) where the device could be located, else `message`; `PrivateKey` where it sent no CSR.
 */
export function seedAnswer(c: Context, it: Landing, address: string, requestId: string) {
  c.header('Cache-Control', 'no-store')
  c.header('X-Request-Id', requestId)
  const where =
    it.distanceKm === undefined
      ? {
          message: `no latitude or longitude for IP ${address}${it.isDefaultRegion ? `, using default region ${it.region}` : ''}`,
        }
      : { distance: it.distanceKm }
  return c.json({
    status: 'success',
    region: it.region,
    endpointAddress: it.endpointAddress,
    certificatePem: it.certificatePem,
    ...(it.privateKey === undefined ? {} : { PrivateKey: it.privateKey }),
    ...where,
  })
}

/** Every failure under the seed contract: `{ status: "error", message }` with an honest HTTP status. */
export function seedError(c: Context, answer: ProblemAnswer, requestId: string) {
  c.header('Cache-Control', 'no-store')
  c.header('X-Request-Id', requestId)
  if (answer.retryAfterSeconds !== undefined) {
    c.header('Retry-After', String(answer.retryAfterSeconds))
  }
  return c.json({ status: 'error', message: answer.seed.message }, answer.seed.status)
}
