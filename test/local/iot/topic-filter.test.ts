import { expect, it } from 'vitest'
import { coversTopic } from '../../../local/iot/topic-filter.ts'

it.each([
  ['a/b', 'a/b', true],
  ['a/b', 'a', false],
  ['a', 'a/b', false],
  ['a/+', 'a/b', true],
  ['a/+', 'a/', true],
  ['a/+', 'a', false],
  ['a/+', 'a/b/c', false],
  ['+/b', 'a/b', true],
  ['+/+', '/b', true],
  ['#', 'a/b', true],
  ['a/#', 'a/b/c', true],
  ['a/#', 'a', true],
  ['a/#', 'ab', false],
  ['a/+/#', 'a', false],
])('%s covers %s: %s', (filter, topic, covered) => {
  expect(coversTopic(filter, topic)).toBe(covered)
})
