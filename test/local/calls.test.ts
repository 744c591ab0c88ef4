import { expect, it } from 'vitest'
import { createCallLog } from '../../local/calls.ts'

const call = {
  service: 'iot',
  region: 'eu-west-1',
  operation: 'CreateThing',
  resource: '*',
  status: 200,
  caller: null,
  startedAt: 0,
  endedAt: 1,
}

it('keeps the last calls only, and counts on', () => {
  const log = createCallLog(10)
  for (let made = 0; made < 37; made += 1) log.add(call)
  const seqs = (after: number) => log.after(after).map(({ seq }) => seq)
  expect(seqs(0)).toEqual([28, 29, 30, 31, 32, 33, 34, 35, 36, 37])
  expect(seqs(35)).toEqual([36, 37])
  expect(seqs(37)).toEqual([])
  expect(seqs(1000)).toEqual([])
})

it('counts on after it was cleared', () => {
  const log = createCallLog(10)
  log.add(call)
  log.clear()
  expect(log.after(0)).toEqual([])
  log.add(call)
  expect(log.after(0)).toMatchObject([{ seq: 2 }])
})
