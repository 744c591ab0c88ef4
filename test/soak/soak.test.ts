import { expect, it } from 'vitest'
import { soak } from './fleet.ts'

it('brings a small fleet up through killed edges and failing calls (npm run soak: a large one)', async () => {
  const report = await soak(
    {
      devices: 60,
      edges: 2,
      atOnce: 25,
      killEverySeconds: [1, 2],
      seed: 1,
      minutes: 1,
    },
    { step: () => {}, update: () => {} },
  )
  expect(report.problems).toEqual([])
  expect(report.provisioned).toBe(60)
  expect(report.kills).toBeGreaterThan(0)
  expect(Object.values(report.faults).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(30)
}, 90_000)
