import { describe, expect, it } from 'vitest'
import type { Recipe } from './recipes.ts'
import { judge, openFuzz } from './run-fuzz.ts'

const fuzz = await openFuzz()
const devices = fuzz.world.devices.map((it) => it.thingName)
const landfall: Recipe & { kind: 'landfall' } = {
  kind: 'landfall',
  device: 0,
  flattened: false,
  signed: true,
  header: {},
  payload: {},
  csr: { kind: 'good' },
  jwk: undefined,
  chain: undefined,
  headerEdits: [],
  payloadEdits: [],
  edits: [],
}
const mutated = (at: number) =>
  ({ kind: 'resigned', mutations: [{ at, what: 'tag', byte: 0 }] }) as const

describe('bodies that once failed', () => {
  it.each<[string, Recipe, string]>([
    // 2026-11-25: answered 500, by what the library threw when it was asked for the attributes.
    ...Array.from({ length: 40 }, (_, at): [string, Recipe, string] => [
      `a CSR, signed anew, whose value ${at} has another tag`,
      { ...landfall, csr: mutated(at) },
      'landfall 400 invalid-csr',
    ]),
    // 2026-11-25: never answered; the path validation walked in a circle for ever.
    [
      'a chain of authorities that certify one another',
      { ...landfall, device: devices.lastIndexOf('factory-blocked') },
      'landfall 403 not-authorized',
    ],
  ])('%s', async (_, recipe, answer) => {
    const answered = await judge(fuzz.edge, fuzz.world, recipe)
    expect([answer, 'landfall 403 blocked']).toContain(answered)
  })
})
