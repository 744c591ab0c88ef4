import { randomBytes } from 'node:crypto'
import type { Hono } from 'hono'
import { AppError } from '../app-error.ts'
import { requestTypes } from '../request/landfall-request.ts'
import { issueNonce } from '../request/nonce.ts'
import { answerDevice } from './answer-device.ts'
import type { EdgeDeps } from './app.ts'
import { landfallAnswer, landfallProblem } from './landfall-answer.ts'
import { problemNamed } from './problems.ts'
import { type LandfallDeployment, provisionLandfallDevice } from './provision-landfall-device.ts'

export const landfallPaths = {
  provision: '/v1/provision',
  nonce: '/v1/nonce',
  jwks: '/v1/jwks',
} as const

/** The Landfall contract (docs/landfall-contract.md). */
export function addLandfallRoutes(app: Hono, deps: EdgeDeps, deployment: LandfallDeployment): void {
  const [newest = Buffer.alloc(0)] = deployment.keys.nonceKeys
  /**
   * A device whose last request was dated ahead of now gets one that is later still, as far as requests
   * may be ahead: its clock was, and is no longer.
   */
  const newNonce = (after = Number.NEGATIVE_INFINITY) => {
    const now = deps.now()
    const ahead = after + 1 - now
    const usable = ahead > 0 && ahead <= deployment.freshness.maxAheadSeconds * 1000
    return issueNonce(newest, usable ? after + 1 : now, randomBytes(8))
  }

  app.post(landfallPaths.provision, (c) =>
    answerDevice(deps, c, {
      contract: 'landfall',
      async provision(asking) {
        const flattened = isFlattened(c.req.header('Content-Type'))
        return await provisionLandfallDevice(deps, deployment, { ...asking, flattened })
      },
      succeed: (landing, { requestId }) => landfallAnswer(c, landing, requestId),
      fail(problem, requestId) {
        const nonce = problem.type === 'stale-request' ? newNonce(problem.issuedAfter) : undefined
        return landfallProblem(c, problem, requestId, nonce)
      },
    }),
  )

  app.get(landfallPaths.nonce, async (c) => {
    const address = deps.clientAddress(deps.peerAddress(c), c.req.header('X-Forwarded-For'))
    await deps.limitAddress(address)
    c.header('Cache-Control', 'no-store')
    c.header('Replay-Nonce', newNonce())
    return c.body(null, 204)
  })

  app.get(landfallPaths.jwks, (c) => {
    c.header('Cache-Control', 'public, max-age=300')
    return c.json(deployment.keys.publicJwks, 200, { 'Content-Type': 'application/jwk-set+json' })
  })

  for (const [name, path] of Object.entries(landfallPaths)) {
    const allowed = name === 'provision' ? 'POST' : 'GET, HEAD'
    app.all(path, (c) => {
      c.header('Allow', allowed)
      return landfallProblem(
        c,
        problemNamed('method-not-allowed', 'method not allowed'),
        deps.requestId(c),
      )
    })
  }
}

/** The two serializations of RFC 7515, by RFC 7515 section 9.2. */
function isFlattened(contentType: string | undefined): boolean {
  const type = contentType?.split(';')[0]?.trim().toLowerCase()
  if (type === requestTypes[0]) return false
  if (type === requestTypes[1]) return true
  throw new AppError('unsupported-media-type', `Content-Type must be ${requestTypes.join(' or ')}`)
}
