import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diffDocuments } from '../../../app/products/document-diff.ts'

const rule = (name: string, regions: string[]) => ({ name, regions })

describe('diffDocuments', () => {
  it('tells what changed by its path, whatever came before it in the list', () => {
    const before = { rules: [rule('a', ['x']), rule('b', ['y'])], strategy: 'nearest' }
    const after = { rules: [rule('new', ['z']), rule('a', ['x', 'w']), rule('b', ['y'])] }
    expect(diffDocuments(before, after)).toEqual([
      { path: 'rules[new].name', after: 'new' },
      { path: 'rules[new].regions', after: ['z'] },
      { path: 'rules[a].regions', before: ['x'], after: ['x', 'w'] },
      { path: 'strategy', before: 'nearest' },
    ])
  })

  it('tells another order of rules, which decides', () => {
    const [a, b] = [rule('a', ['x']), rule('b', ['y'])]
    expect(diffDocuments({ rules: [a, b] }, { rules: [b, a] })).toEqual([
      { path: 'rules order', before: ['[a]', '[b]'], after: ['[b]', '[a]'] },
    ])
  })

  it('never takes two documents for the same that aren’t, names given twice among them', () => {
    const entry = fc.record(
      { name: fc.constantFrom('a', 'b'), value: fc.option(fc.nat(2)) },
      { requiredKeys: [], noNullPrototype: true },
    )
    const document = fc.record(
      {
        rules: fc.array(entry, { maxLength: 3 }),
        texts: fc.array(fc.string(), { maxLength: 2 }),
        more: fc.jsonValue(),
      },
      { requiredKeys: [], noNullPrototype: true },
    )
    fc.assert(
      fc.property(document, document, (before, after) => {
        expect(diffDocuments(before, after).length === 0).toBe(isDeepStrictEqual(before, after))
      }),
    )
  })
})
