import type { Product } from '../../products/product.ts'
import { runProductTests, type TestResult } from '../../products/product-test.ts'
import type { CommandContext } from '../program.ts'
import { type Deployment, openEdgeLocation } from './deployment.ts'

/** Runs a document's tests; location data are only opened where a test needs them. */
export async function runTests(
  product: Product,
  deployment: Deployment,
  context: CommandContext,
): Promise<TestResult[]> {
  const needed = product.tests?.some((it) => it.address !== undefined && it.location === undefined)
  const locate = needed ? (await openEdgeLocation(deployment, context)).locate : () => undefined
  return runProductTests(product, { enabledRegions: deployment.enabledRegions, locate })
}

/** A failed test in one line. */
export function describeFailure({ index, name, problem }: TestResult): string {
  return `tests.${index}${name === undefined ? '' : ` (${name})`} ${problem ?? ''}`
}

/** `4 tests passed`, or `no tests`. */
export function describePassed(results: readonly TestResult[]): string {
  if (results.length === 0) return 'no tests'
  return `${results.length} ${results.length === 1 ? 'test' : 'tests'} passed`
}
