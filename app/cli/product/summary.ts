import type { Product } from '../../products/product.ts'
import type { Deployment } from './deployment.ts'

/** A product in one line. */
export function summary({ name, signers, regionPolicy }: Product): string {
  const { rules, strategy, defaultRegion } = regionPolicy
  return `product ${name}: ${count(signers.length, 'signer')}, ${count(rules.length, 'rule')}, ${strategy}, default region ${defaultRegion}`
}

/** Sentences on what the document says and the deployment doesn't do. */
export function findMismatches({ regionPolicy }: Product, deployment: Deployment): string[] {
  const enabled = new Set(deployment.enabledRegions)
  const { defaultRegion, allowedRegions, rules } = regionPolicy
  const noneLeft = allowedRegions?.every((region) => !enabled.has(region)) ?? false
  if (noneLeft) return ['none of allowedRegions is enabled, so no device can be provisioned']
  const notes = rules.flatMap(({ name, regions, strict }, index) => {
    if (regions.some((region) => enabled.has(region))) return []
    const what = strict ? 'its devices can’t be provisioned' : 'the policy’s own regions take over'
    return [`rule ${name ?? `rules.${index}`}: none of its regions is enabled, so ${what}`]
  })
  if (!enabled.has(defaultRegion)) {
    notes.unshift(
      `the default region ${defaultRegion} isn’t enabled: the nearest to it takes its place`,
    )
  }
  return notes
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
