import type { Hono } from 'hono'
import { answerDevice } from './answer-device.ts'
import type { EdgeDeps } from './app.ts'
import { provisionSeedDevice } from './provision-seed-device.ts'
import { seedAnswer, seedError } from './seed-answer.ts'

export const seedPath = '/device-provisioning'

/** The seed contract (docs/contract.md). */
export function addSeedRoute(app: Hono, deps: EdgeDeps): void {
  app.all(seedPath, async (c) => {
    if (c.req.method !== 'POST') {
      c.header('Allow', 'POST')
      return c.json({ status: 'error', message: 'method not allowed' }, 405)
    }
    return await answerDevice(deps, c, {
      contract: 'seed',
      provision: (asking) => provisionSeedDevice(deps, asking),
      succeed: (landing, { address, requestId }) => seedAnswer(c, landing, address, requestId),
      fail: (problem, requestId) => seedError(c, problem, requestId),
    })
  })
}
