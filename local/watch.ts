import { z } from 'zod'
import { operatorArn } from './identity.ts'
import type { Certificate, Registry } from './iot/registry.ts'
import type { Collection, Scope } from './iot/store.ts'
import type { NamingRecord } from './naming-records.ts'

/** Kept at most, the first ones; later ones are only logged. */
const MOST_VIOLATIONS = 10_000

/** The account's own scope: a violation belongs to no one Region. */
const EVERYWHERE = 'everywhere'

const certificateIn = { certificateId: z.string(), region: z.string() }
const noted = {
  /** Counts up from 1. */
  seq: z.number(),
  /** Milliseconds since 1970. */
  at: z.number(),
  thingName: z.string(),
  /** The operation that broke it, where, and the ARN of who called it. */
  operation: z.string(),
  region: z.string(),
  caller: z.string(),
}

export const violationShape = z.discriminatedUnion('invariant', [
  z.object({
    invariant: z.literal('I1'),
    ...noted,
    /** All that are ACTIVE and attached to the thing now: two or more. */
    certificates: z.array(z.object(certificateIn)),
  }),
  z.object({
    invariant: z.literal('K1'),
    ...noted,
    certificateId: z.string(),
    /** The row that named it; `rev` and `region` are null where the row has none. */
    record: z.object({
      status: z.string(),
      rev: z.number().nullable(),
      certificateId: z.string(),
      region: z.string().nullable(),
    }),
  }),
])

/**
 * A broken invariant. I1: two ACTIVE certificates are attached to one thing name, over all Regions.
 * K1: a certificate was deactivated or deleted that a provisioned device record names.
 */
export type Violation = z.infer<typeof violationShape>

export type WatchedCall = {
  readonly scope: Scope
  readonly operation: string
  /** ARN. */
  readonly caller: string
  /** The one in the path, where the operation has one. */
  readonly certificateId: string | undefined
}

export type Watch = {
  /**
   * The registry for one call: each write is checked in the instant in which it is made, so that
   * nothing lies between. Which records name a certificate is read when the call comes: whoever may
   * deactivate it saw the record's own write end before, and no later write names it again.
   */
  over(registry: Registry, call: WatchedCall): Promise<Registry>
  /** Oldest first. */
  violations(): readonly Violation[]
  /** Doesn't start the count again. */
  clear(): void
}

/** What can deactivate a certificate. */
const DEACTIVATING = new Set(['UpdateCertificate', 'DeleteCertificate'])

/** `kept` holds the violations over restarts; `now` is in ms since 1970. */
export function createWatch(dependencies: {
  readonly accountId: string
  readonly kept: Collection<Violation>
  readonly findNaming: (certificateId: string) => Promise<readonly NamingRecord[]>
  readonly now: () => number
  readonly log: (violation: Violation) => void
}): Watch {
  const { accountId, kept, findNaming, now, log } = dependencies
  const scope = { accountId, region: EVERYWHERE }
  let violations = [...kept.list(scope)]
  let lastSeq = violations.at(-1)?.seq ?? 0

  function note(found: Found, call: WatchedCall): void {
    lastSeq += 1
    const violation: Violation = {
      ...found,
      seq: lastSeq,
      at: now(),
      operation: call.operation,
      region: call.scope.region,
      caller: call.caller,
    }
    log(violation)
    if (violations.length >= MOST_VIOLATIONS) return
    violations.push(violation)
    kept.put(scope, keyOf(violation), violation)
  }

  /** The operator's own hand may do what it likes: the drift is reported elsewhere. */
  async function namingOf({ operation, caller, certificateId }: WatchedCall) {
    if (certificateId === undefined || !DEACTIVATING.has(operation)) return []
    return caller === operatorArn(accountId) ? [] : findNaming(certificateId)
  }

  return {
    async over(registry, call) {
      const naming = await namingOf(call)
      const activated = (thingName: string) => {
        const certificates = activeOf(registry, call.scope.accountId, thingName)
        if (certificates.length > 1) note({ invariant: 'I1', thingName, certificates }, call)
      }
      const deactivated = (certificateId: string) => {
        for (const { thingName, ...record } of naming) {
          if (record.certificateId !== certificateId) continue
          note({ invariant: 'K1', thingName, certificateId, record }, call)
        }
      }
      return {
        ...registry,
        certificates: watchCertificates(registry, activated, deactivated),
        attachedThings: {
          ...registry.attachedThings,
          put(at, certificateId, thingName, word) {
            const before = registry.attachedThings.find(at, certificateId, thingName)
            registry.attachedThings.put(at, certificateId, thingName, word)
            if (before !== undefined) return
            const { status } = registry.certificates.find(at, certificateId) ?? {}
            if (status === 'ACTIVE') activated(thingName)
          },
        },
      }
    },
    violations: () => violations,
    clear() {
      for (const violation of violations) kept.delete(scope, keyOf(violation))
      violations = []
    },
  }
}

type Found =
  | Pick<Violation & { invariant: 'I1' }, 'invariant' | 'thingName' | 'certificates'>
  | Pick<Violation & { invariant: 'K1' }, 'invariant' | 'thingName' | 'certificateId' | 'record'>

function watchCertificates(
  registry: Registry,
  activated: (thingName: string) => void,
  deactivated: (certificateId: string) => void,
): Collection<Certificate> {
  return {
    ...registry.certificates,
    put(at, id, certificate) {
      const before = registry.certificates.find(at, id)?.status
      registry.certificates.put(at, id, certificate)
      if (certificate.status === before) return
      if (certificate.status !== 'ACTIVE') {
        deactivated(id)
        return
      }
      for (const { name } of registry.attachedThings.targetsOf(at, id)) activated(name)
    },
    delete(at, id) {
      registry.certificates.delete(at, id)
      deactivated(id)
    },
  }
}

function activeOf(registry: Registry, accountId: string, thingName: string) {
  const attached = registry.attachedThings.sourcesEverywhere(accountId, thingName)
  // Nearly always one: then it isn't even read.
  if (attached.length < 2) return []
  return attached
    .filter(
      ({ region, source }) =>
        registry.certificates.find({ accountId, region }, source)?.status === 'ACTIVE',
    )
    .map(({ region, source }) => ({ certificateId: source, region }))
}

/** Sorts as `seq` does. */
function keyOf({ seq }: Violation): string {
  return String(seq).padStart(12, '0')
}
