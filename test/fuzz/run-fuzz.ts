import fc from 'fast-check'
import { problemNames } from '../../app/edge/problem-types.ts'
import { findLeaks } from '../find-leaks.ts'
import { type FuzzEdge, openFuzzEdge } from './fuzz-edge.ts'
import { type FuzzWorld, makeFuzzWorld } from './fuzz-world.ts'
import { makeRequest } from './make-request.ts'
import { type Recipe, recipes } from './recipes.ts'

export type FuzzReport = {
  readonly bodies: number
  /** How they were answered: `landfall 400 invalid-request`, by how often. */
  readonly answers: Readonly<Record<string, number>>
  /** The recipe of the first that failed, as small as it could be made, and why; with the run's seed. */
  readonly failure: string | undefined
}

const known: ReadonlySet<string> = new Set(problemNames.map((name) => `/problems/${name}`))

/** A world and an edge over it, to send generated bodies to. */
export async function openFuzz() {
  const world = await makeFuzzWorld()
  const edge = await openFuzzEdge(world.records, world.products)
  const answers: Record<string, number> = {}

  return {
    /** Sends so many; stops at the first that fails. */
    async run(bodies: number, seed: number): Promise<FuzzReport> {
      const unhandled: unknown[] = []
      const onUnhandled = (reason: unknown) => unhandled.push(reason)
      process.on('unhandledRejection', onUnhandled)
      const property = fc.asyncProperty(recipes, async (recipe) => {
        const answer = await judge(edge, world, recipe)
        if (unhandled.length > 0) throw new Error(`a rejection was not handled: ${unhandled}`)
        answers[answer] = (answers[answer] ?? 0) + 1
      })
      try {
        const details = await fc.check(property, { numRuns: bodies, seed })
        const failure = details.failed
          ? fc.stringify([seed, ...(details.counterexample ?? []), String(details.errorInstance)])
          : undefined
        return { bodies: details.numRuns, answers, failure }
      } finally {
        process.off('unhandledRejection', onUnhandled)
      }
    },
    world,
    edge,
  }
}

/** Sends one body; throws where the edge failed, wrote, or gave what it must not give. */
export async function judge(edge: FuzzEdge, world: FuzzWorld, recipe: Recipe): Promise<string> {
  const request = makeRequest(recipe, world)
  const landfall = request.url.endsWith('/v1/provision')
  const response = await withinHalfAMinute(edge.fetch(request))
  const text = await response.text()
  const trouble = edge.takeTrouble()
  const lines = edge.takeLog()
  const body: unknown = JSON.parse(text)
  if (typeof body !== 'object' || body === null) throw new Error('the answer is no object')
  const say = (what: string) => new Error(`${what}: ${response.status} ${text.slice(0, 300)}`)
  if (response.status >= 500) throw say('failed')
  if (trouble.length > 0) throw say(trouble.join('; '))
  for (const line of lines) {
    const [leak] = findLeaks(line)
    if (leak !== undefined) throw say(`logged ${leak}`)
  }
  if (response.status === 200) {
    const pem = 'certificatePem' in body ? body.certificatePem : undefined
    if (pem !== 'the certificate') throw say('gave another certificate')
    if ('privateKeyJwe' in body || 'PrivateKey' in body) throw say('gave a key')
    return `${landfall ? 'landfall' : 'seed'} 200`
  }
  if (!landfall)
    return `seed ${response.status} ${'message' in body ? String(body.message).slice(0, 24) : ''}`
  const type = 'type' in body ? String(body.type) : ''
  if (!known.has(type)) throw say('of no known type')
  return `landfall ${response.status} ${type.replace('/problems/', '')}`
}

/**
 * Throws where there is no answer after 300 looks, a tenth of a second apart: longer than any request's
 * deadline. By looks and not by the clock, which goes on where this process doesn't.
 */
async function withinHalfAMinute<T>(answering: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  let looks = 0
  const timer = setInterval(() => {
    looks += 1
    if (looks === 300) reject(new Error('gave no answer'))
  }, 100)
  try {
    return await Promise.race([answering, promise])
  } finally {
    clearInterval(timer)
  }
}
