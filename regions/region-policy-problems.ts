import * as z from 'zod'

/** What is wrong between the fields of a region policy, and where. */
export type PolicyProblem = {
  readonly path: readonly (string | number)[]
  readonly message: string
}

const names = z.array(z.string()).optional().catch(undefined)
const text = z.string().optional().catch(undefined)
const weights = z.record(z.string(), z.number().catch(1)).optional().catch(undefined)
const rule = z.object({ name: text, regions: names, strategy: text, weights })

/** What can be read of a document that may be wrong: fields of another type count as absent. */
const readable = z
  .object({
    defaultRegion: text,
    allowedRegions: names,
    rules: z.array(rule.catch({})).catch([]).default([]),
    strategy: text,
    weights,
  })
  .catch({ rules: [] })

/** The problems that only show between fields, in whatever of the document can be read. */
export function findPolicyProblems(document: unknown): PolicyProblem[] {
  const policy = readable.parse(document)
  const { allowedRegions, defaultRegion, strategy = 'nearest', rules } = policy
  const problems: PolicyProblem[] = []
  const add = (path: (string | number)[], message: string) => problems.push({ path, message })

  if (defaultRegion !== undefined && allowedRegions?.includes(defaultRegion) === false) {
    add(['defaultRegion'], 'must be one of allowedRegions')
  }
  if (strategy === 'static' && allowedRegions === undefined) {
    add(['strategy'], 'static goes by the order of allowedRegions: name them')
  }
  addWeightProblems(problems, [], strategy, policy.weights, allowedRegions)
  for (const [index, { name, regions = [], ...own }] of rules.entries()) {
    const path = ['rules', index]
    if (name !== undefined && rules.findIndex((it) => it.name === name) < index) {
      add([...path, 'name'], 'must not be another rule’s name')
    }
    for (const [place, region] of regions.entries()) {
      const here = [...path, 'regions', place]
      if (regions.indexOf(region) < place) add(here, `must not name ${region} twice`)
      else if (allowedRegions?.includes(region) === false) {
        add(here, `must be one of allowedRegions: a rule only narrows them; add ${region} there`)
      }
    }
    if (own.strategy !== undefined || own.weights !== undefined) {
      addWeightProblems(problems, path, own.strategy, own.weights, regions)
    } else if (strategy === 'weighted' && policy.weights !== undefined && regions.length > 0) {
      if (!regions.some((region) => (policy.weights?.[region] ?? 0) > 0)) {
        add(
          [...path, 'regions'],
          'none has a weight in the policy: give the rule a strategy of its own',
        )
      }
    }
  }
  return problems
}

function addWeightProblems(
  problems: PolicyProblem[],
  path: (string | number)[],
  strategy: string | undefined,
  given: Readonly<Record<string, number>> | undefined,
  candidates: readonly string[] | undefined,
): void {
  if (strategy !== 'weighted') {
    if (given === undefined) return
    problems.push({
      path: [...path, 'weights'],
      message: 'is for the strategy weighted: set it here',
    })
    return
  }
  if (given === undefined) {
    problems.push({ path: [...path, 'weights'], message: 'is missing: the strategy is weighted' })
    return
  }
  if (!Object.values(given).some((weight) => weight > 0)) {
    problems.push({ path: [...path, 'weights'], message: 'must have one above 0' })
  }
  for (const region of Object.keys(given)) {
    if (candidates?.includes(region) !== false) continue
    problems.push({ path: [...path, 'weights', region], message: 'is not one of the candidates' })
  }
}
