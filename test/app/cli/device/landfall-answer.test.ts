import { expect, it } from 'vitest'
import { readLandfallAnswer } from '../../../../app/cli/device/landfall-answer.ts'

const answer = (status: number, type: string) => ({
  status,
  body: JSON.stringify({ type: `/problems/${type}`, title: 'So it is', status, requestId: 'r1' }),
  retryAfterSeconds: 7,
  header: () => undefined,
})

it.each([
  [408, 'request-timeout'],
  [429, 'too-many-requests'],
  [500, 'internal-error'],
  [503, 'unavailable'],
])('%d %s means to ask again later, and when', (status, type) => {
  const read = readLandfallAnswer(answer(status, type))
  expect(read).toMatchObject({ kind: 'later', status, retryAfterSeconds: 7 })
})

it.each([
  [400, 'invalid-request'],
  [403, 'not-authorized'],
  [409, 'already-provisioned'],
  [415, 'unsupported-media-type'],
])('%d %s is a refusal', (status, type) => {
  expect(readLandfallAnswer(answer(status, type))).toMatchObject({ kind: 'refused', problem: type })
})
