import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findJsonObject } from '../../../app/request/json-object.ts'
import { anyCharacter } from '../../any-text.ts'

/** So many objects and arrays may lie in one another. */
const mostLevels = 5

const quoted = (text: string) => JSON.stringify(text)
const escaped = (text: string) => {
  const units = text.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'))
  return `"${units.map((unit) => `\\u${unit}`).join('')}"`
}

const awkward = [
  '__proto__',
  'constructor',
  '',
  '0',
  '"',
  '":',
  '\\',
  '\\":',
  'a:b',
  '{"a":1}',
  '\n',
]
const string = fc.oneof(
  fc.constantFrom(...awkward),
  fc.string({ unit: anyCharacter, maxLength: 8 }),
)
/** Where an object before had a line feed there, V8 (Node 24.21) reads a backslash in a name as one: no oracle. */
const memberName = string.filter((it) => !it.includes('\\'))
const spelling = fc.constantFrom(quoted, escaped)
const space = fc.constantFrom('', ' ', '\n\t\r ')
const scalar = fc.oneof(
  fc.tuple(string, spelling).map(([text, spell]) => spell(text)),
  fc.integer().map(String),
  fc.constantFrom('-0.5e-7', 'true', 'false', 'null'),
)

/** JSON of an object whose names are unique at every level. */
function objectText(levels: number): fc.Arbitrary<string> {
  const member = fc.tuple(memberName, spelling, space, space, valueText(levels - 1))
  return fc.uniqueArray(member, { selector: ([name]) => name, maxLength: 4 }).map((members) => {
    const texts = members.map(([name, spell, a, b, value]) => `${a}${spell(name)}${b}:${a}${value}`)
    return `{${texts.join(',')}}`
  })
}

function valueText(levels: number): fc.Arbitrary<string> {
  if (levels === 0) return scalar
  const items = fc.array(valueText(levels - 1), { maxLength: 3 })
  return fc.oneof(
    scalar,
    objectText(levels),
    items.map((it) => `[${it.join(' , ')}]`),
  )
}

const inObject = (text: string) => `{"b": ":", "a" : ${text}, "c": "\\"a\\":"}`
const inArray = (text: string) => `["a", ${text}]`
/** Some levels around a value, the outermost an object. */
const levels = (counts: fc.ArrayConstraints) =>
  fc
    .array(fc.constantFrom(inObject, inArray), counts)
    .map(
      (wrappers) => (text: string) => inObject(wrappers.reduce((inner, wrap) => wrap(inner), text)),
    )

describe('findJsonObject', () => {
  it('reads every object of unique names as JSON.parse does', () => {
    fc.assert(
      fc.property(space, objectText(mostLevels), (around, text) => {
        const found = findJsonObject(`${around}${text}${around}`)
        expect(JSON.stringify(found)).toBe(JSON.stringify(JSON.parse(text)))
      }),
    )
  })

  it.each(['\\', 'a\\', '\\":', '\\\\"'])('reads the name %j, spelled either way', (name) => {
    for (const spell of [quoted, escaped]) {
      const found = findJsonObject(`{"sub":"lamp-1",${spell(name)}:{${spell(name)}:1}}`)
      expect(found).toEqual({ sub: 'lamp-1', [name]: { [name]: 1 } })
      expect(findJsonObject(`{${quoted(name)}:1,${spell(name)}:2}`)).toBeUndefined()
    }
  })

  it('keeps __proto__ as a member like any other', () => {
    const found = findJsonObject('{"__proto__":{"sub":"lamp-1"}}') ?? {}
    expect(Object.keys(found)).toEqual(['__proto__'])
    expect(found.sub).toBe(undefined)
  })

  it('refuses a repeated name at every level, however either is spelled', () => {
    const around = levels({ maxLength: mostLevels - 3 })
    fc.assert(
      fc.property(string, spelling, spelling, scalar, around, (name, one, other, value, wrap) => {
        const twice = (second: string) => `{${one(name)}:${value},"x y":{},${other(second)} :1}`
        for (const put of [wrap, (text: string) => text]) {
          expect(findJsonObject(put(twice(name)))).toBe(undefined)
          expect(findJsonObject(put(twice(`${name}2`)))).toBeDefined()
        }
      }),
    )
  })

  it('refuses what lies deeper than a JWK or a list in an object needs', () => {
    const most = mostLevels - 2
    fc.assert(
      fc.property(levels({ minLength: most, maxLength: most }), scalar, (wrap, value) => {
        expect(findJsonObject(wrap(`[${value}]`))).toBeDefined()
        expect(findJsonObject(wrap(`[[${value}]]`))).toBe(undefined)
        expect(findJsonObject(wrap('[{}]'))).toBe(undefined)
      }),
    )
    const brackets = 8000
    const deep = `{"a":${'['.repeat(brackets)}${']'.repeat(brackets)}}`
    expect(findJsonObject(deep)).toBe(undefined)
  })

  it.each(['', ' ', '[]', '[{}]', 'null', '"{}"', '7', 'true', '{', '{}{}', '{"a":1,}', "{'a':1}"])(
    'takes %j for no object',
    (text) => {
      expect(findJsonObject(text)).toBe(undefined)
    },
  )

  it('never throws, and gives what JSON.parse gives or nothing', () => {
    const text = fc.string({ unit: anyCharacter })
    const changed = fc
      .tuple(objectText(mostLevels), fc.nat(), fc.constantFrom('', '"', '\\', '{', ':', ','))
      .map(
        ([json, at, by]) =>
          json.slice(0, at % json.length) + by + json.slice((at % json.length) + 1),
      )
    fc.assert(
      fc.property(fc.oneof(text, fc.json(), changed), (body) => {
        const found = findJsonObject(body)
        if (found !== undefined)
          expect(JSON.stringify(found)).toBe(JSON.stringify(JSON.parse(body)))
      }),
      { numRuns: 500 },
    )
  })
})
