import { expect, it } from 'vitest'
import { shareBar } from '../../../app/cli/share-bar.ts'

it('draws shares to an eighth of a column, and a little as something', () => {
  expect([1, 0.5, 0.25 + 1 / 32, 0.0001, 0, 7].map((part) => shareBar(part, 4))).toEqual([
    '████',
    '██',
    '█▏',
    '▏',
    '',
    '████',
  ])
})
