import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigError, parseConfig } from '../../app/edge/config.ts'
import { audienceOf, edgeConfig } from '../../stacks/edge-config.ts'
import { namesOf } from '../../stacks/names.ts'
import { PlanError, type PlanInput, parsePlan, type RouterPlan } from '../../stacks/plan.ts'

type RouterInput = Extract<PlanInput, { edges: string[] }>
const one: RouterInput = { edges: ['eu-west-1'], deviceRegions: [{ region: 'eu-west-1' }] }
const domain = { name: 'devices.landfall.io', zone: 'landfall.io' }

function planOf(more: Partial<RouterInput>): RouterPlan {
  const plan = parsePlan('test', { ...one, ...more })
  if (plan.kind !== 'router') throw new Error('no router')
  return plan
}

/** What devices call the stage, by the configuration that its edge reads. */
function audienceAtEdge(plan: RouterPlan): string | undefined {
  const account = '111122223333'
  const known = { account, endpointAddresses: {}, locationFile: 'location.bin' }
  return parseConfig(edgeConfig('eu-west-1', plan, namesOf('test'), known)).audience
}

describe('the audience of a stage', () => {
  it.each([
    ['what the plan says', { audience: 'urn:acme:heaters', domain }, 'urn:acme:heaters'],
    ['else its URL', { domain }, 'https://devices.landfall.io'],
    ['else its name', {}, 'landfall-test'],
  ])('is %s', (_, more, audience) => {
    const plan = planOf(more)
    expect(audienceOf(plan, namesOf('test'))).toBe(audience)
    expect(audienceAtEdge(plan)).toBe(audience)
  })

  it('is refused by a plan just where an edge would refuse it, with what it must be', () => {
    const message = 'must be 1 to 256 printable ASCII characters without spaces'
    // Few characters, so that many texts are taken, and lengths about the bound.
    const character = fc.constantFrom(...'aZ0~!:/.-', ' ', '\n', '\u007f', 'ä')
    const text = fc.array(character, { maxLength: 8 }).map((it) => it.join(''))
    const any = fc.oneof(text, fc.constantFrom('', 'a'.repeat(256), 'a'.repeat(257)))
    fc.assert(
      fc.property(any, (audience) => {
        const atEdge = complaint(() => parseConfig({ ...edgeInput, audience }))
        const inPlan = complaint(() => planOf({ audience }))
        expect(inPlan?.includes(`audience: ${message}`) ?? false).toBe(atEdge !== undefined)
        expect(atEdge ?? message).toContain(message)
      }),
      { numRuns: 300 },
    )
  })
})

const edgeInput = {
  region: 'eu-west-1',
  deviceRegions: [{ region: 'eu-west-1', roleArn: 'arn:aws:iam::111122223333:role/edge' }],
}

function complaint(parse: () => unknown): string | undefined {
  try {
    parse()
    return undefined
  } catch (error) {
    if (error instanceof ConfigError || error instanceof PlanError) return error.message
    throw error
  }
}
