import { expect, it } from 'vitest'
import { openFuzz } from './run-fuzz.ts'

it('no body makes an edge fail, write, or tell a secret: 10,000 of them', async () => {
  const fuzz = await openFuzz()
  // The soak draws other ones.
  const seed = 20_261_125
  const { bodies, answers, failure } = await fuzz.run(10_000, seed)
  expect(failure).toBeUndefined()
  expect(bodies).toBe(10_000)
  // It reached what lies behind the parsers, under both contracts.
  for (const answer of [
    'landfall 200',
    'landfall 403 blocked',
    'landfall 403 not-authorized',
    'landfall 409 already-provisioned',
    'landfall 400 invalid-csr',
    'landfall 400 stale-request',
    'seed 200',
    'seed 401 wrong sig',
    'seed 403 you not',
  ]) {
    expect(answers[answer], answer).toBeGreaterThan(0)
  }
}, 240_000)
