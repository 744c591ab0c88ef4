import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Certificate, createRegistry, type Registry } from '../../local/iot/registry.ts'
import { IotStore } from '../../local/iot/store.ts'
import { createWatch, type Violation, violationShape } from '../../local/watch.ts'

const accountId = '123456789012'
const regions = ['eu-west-1', 'us-east-1']
const scopeOf = (region: string) => ({ accountId, region })

async function watchedRegistry() {
  const store = new IotStore()
  const registry = createRegistry(store)
  const noted: Violation[] = []
  const watch = createWatch({
    accountId,
    kept: store.collection('violation', violationShape),
    findNaming: async () => [],
    now: Date.now,
    log: (violation) => noted.push(violation),
  })
  const call = { scope: scopeOf('eu-west-1'), operation: 'Any', caller: 'arn', certificateId: '' }
  return { store, registry, watched: await watch.over(registry, call), noted }
}

function certificate(certificateId: string, status: Certificate['status']): Certificate {
  const times = { createdAt: 0, modifiedAt: 0, notBefore: 0, notAfter: 1 }
  const pem = 'x'.repeat(1_200)
  return { certificateId, pem, status, ...times, generationId: 'g', customerVersion: 1 }
}

type Write =
  | { kind: 'set'; region: string; id: string; status: Certificate['status'] }
  | { kind: 'attach' | 'detach'; region: string; id: string; thing: string }

const region = fc.constantFrom(...regions)
const id = fc.constantFrom('c1', 'c2', 'c3')
const thing = fc.constantFrom('a', 'b')
const write: fc.Arbitrary<Write> = fc.oneof(
  fc.record({
    kind: fc.constant('set' as const),
    region,
    id,
    status: fc.constantFrom('ACTIVE' as const, 'INACTIVE' as const),
  }),
  fc.record({ kind: fc.constantFrom('attach' as const, 'detach' as const), region, id, thing }),
)

function perform(registry: Registry, done: Write): void {
  const scope = scopeOf(done.region)
  switch (done.kind) {
    case 'set':
      registry.certificates.put(scope, done.id, certificate(done.id, done.status))
      return
    case 'attach':
      registry.attachedThings.put(scope, done.id, done.thing)
      return
    case 'detach':
      registry.attachedThings.delete(scope, done.id, done.thing)
  }
}

/** The thing's live identities by looking at everything, as `region/id`. */
function liveOf(registry: Registry, thingName: string): string[] {
  return regions.flatMap((name) =>
    registry.certificates
      .list(scopeOf(name))
      .filter((each) => each.status === 'ACTIVE')
      .filter((each) => registry.attachedThings.find(scopeOf(name), each.certificateId, thingName))
      .map((each) => `${name}/${each.certificateId}`),
  )
}

it('notes I1 at exactly the writes that add a live identity to another, whatever their order', async () => {
  const writes = fc.array(write, { minLength: 1, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(writes, async (sequence) => {
      const { store, registry, watched, noted } = await watchedRegistry()
      for (const done of sequence) {
        const before = { a: liveOf(registry, 'a'), b: liveOf(registry, 'b') }
        noted.length = 0
        perform(watched, done)
        const expected = (['a', 'b'] as const).flatMap((name) => {
          const live = liveOf(registry, name)
          return live.length > Math.max(1, before[name].length) ? [`${name}: ${live}`] : []
        })
        const seen = noted.map((each) =>
          each.invariant === 'I1'
            ? `${each.thingName}: ${each.certificates.map((one) => `${one.region}/${one.certificateId}`)}`
            : each.invariant,
        )
        expect(seen).toEqual(expected)
      }
      store.close()
    }),
    { numRuns: 200 },
  )
})

it('costs well below 0.1 ms in a store of 10,000 things', async () => {
  const { store, registry, watched, noted } = await watchedRegistry()
  registry.transaction(() => {
    for (let n = 0; n < 10_000; n += 1) {
      const scope = scopeOf(regions[n % 2] ?? '')
      registry.certificates.put(scope, `c${n}`, certificate(`c${n}`, 'ACTIVE'))
      registry.attachedThings.put(scope, `c${n}`, `t${n}`)
    }
  })
  const scope = scopeOf('eu-west-1')
  const costs: number[] = []
  for (let n = 0; n < 500; n += 1) {
    registry.certificates.put(scope, `new${n}`, certificate(`new${n}`, 'ACTIVE'))
    const start = performance.now()
    registry.attachedThings.put(scope, `new${n}`, `plain${n}`)
    const middle = performance.now()
    // The dearest case: every check finds two.
    watched.attachedThings.put(scope, `new${n}`, `t${n * 20 + 1}`)
    costs.push(performance.now() - middle - (middle - start))
  }
  const median = costs.toSorted((a, b) => a - b)[250]
  store.close()
  expect(noted).toHaveLength(500)
  expect(median).toBeLessThan(0.1)
})
