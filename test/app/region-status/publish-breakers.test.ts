import { expect, it } from 'vitest'
import { publishBreakers } from '../../../app/region-status/publish-breakers.ts'
import type { EdgeBreaker } from '../../../app/region-status/status-row.ts'

const at = (since: number, region = 'us-east-1'): EdgeBreaker => ({
  edge: 'eu-west-1',
  region,
  breaker: { state: 'closed', since },
})

it('writes one state of a region at a time, and of those that waited the newest only', async () => {
  const begun: { it: EdgeBreaker; end: (error?: Error) => void }[] = []
  const problems: string[] = []
  const publish = publishBreakers({
    put: (it) =>
      new Promise((resolve, reject) => {
        begun.push({ it, end: (error) => (error === undefined ? resolve() : reject(error)) })
      }),
    timeoutSeconds: 1,
    onProblem: (region, error) => problems.push(`${region}: ${error}`),
  })
  publish(at(1))
  publish(at(2))
  publish(at(3))
  publish(at(1, 'eu-west-1'))
  expect(begun.map(({ it }) => it)).toEqual([at(1), at(1, 'eu-west-1')])
  begun[0]?.end(new Error('no table'))
  await expect.poll(() => begun.length).toBe(3)
  expect(begun[2]?.it).toEqual(at(3))
  expect(problems).toEqual(['us-east-1: Error: no table'])
  begun[2]?.end()
  await Promise.resolve()
  publish(at(4))
  await expect.poll(() => begun.length).toBe(4)
})
