import fc from 'fast-check'
import { expect, it } from 'vitest'
import { seenNames } from '../../../../../app/cli/allow/import/seen-names.ts'

it('tells each name that came before, and no other', () => {
  const name = fc.oneof(fc.string(), fc.stringMatching(/^lamp-[0-3]$/))
  fc.assert(
    fc.property(fc.array(name, { maxLength: 60 }), (names) => {
      const seen = seenNames()
      const told = names.map((it) => seen.isNew(it))
      expect(told).toEqual(names.map((it, index) => names.indexOf(it) === index))
    }),
    { numRuns: 20 },
  )
})

it('takes none of many names for another, and goes on where it can hold no more', () => {
  const seen = seenNames(2 ** 16)
  const names = Array.from({ length: 60_000 }, (_, index) => `lamp-${index}`)
  expect(names.filter((it) => !seen.isNew(it))).toEqual([])
  expect(seen.isNew('lamp-7')).toBe(false)
  expect(seen.isNew('lamp-59999')).toBe(true)
})
