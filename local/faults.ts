import { z } from 'zod'

export const FAULT_KINDS = [
  'delay',
  'error-before',
  'error-after',
  'lost',
  'lost-before',
  'hang',
  'throttle',
] as const

const DELAY_MS = z.number().min(0).max(600_000)

/**
 * A fault to inject. What it leaves out (service, operation, region) matches everything.
 * - `delay`: the call waits `delayMs` before it is performed; every matching delay adds up.
 * - `error-before`: the error is answered, nothing is performed. `error-after`: performed, then the error.
 * - `lost`: performed, then the connection is cut. `lost-before`: cut, nothing performed.
 * - `hang`: nothing performed, no answer until the client gives up.
 * - `throttle`: the service's own throttling error, nothing performed.
 *
 * `afterCalls`: the first so many matching calls are passed over, whatever else befalls them, so that
 * with 1 the second UpdateItem of a request is hit. From then on it may fire.
 *
 * `error` defaults to the service's internal failure. `times`: how often it fires, null for until it is
 * removed; 1 by default, and null for a delay. Of several that match, the oldest that isn't a delay fires.
 */
export const faultSchema = z
  .strictObject({
    service: z.string().optional(),
    operation: z.string().optional(),
    region: z.string().optional(),
    kind: z.enum(FAULT_KINDS),
    delayMs: DELAY_MS.optional(),
    error: z
      .strictObject({
        code: z.string().min(1),
        status: z.int().min(400).max(599),
        message: z.string(),
      })
      .optional(),
    afterCalls: z.int().min(0).optional(),
    times: z.int().min(1).nullable().optional(),
    probability: z.number().min(0).max(1).default(1),
  })
  .refine(({ kind, delayMs }) => kind !== 'delay' || delayMs !== undefined, {
    path: ['delayMs'],
    message: 'a delay needs delayMs',
  })
  .refine(({ kind, error }) => error === undefined || kind.startsWith('error-'), {
    path: ['error'],
    message: 'only error-before and error-after answer an error of your own',
  })

export type FaultInput = z.input<typeof faultSchema>
type FaultSettings = z.output<typeof faultSchema>

export type Fault = FaultSettings & {
  readonly id: string
  /** Matching calls passed over so far, up to `afterCalls`. */
  readonly passedOver: number
  /** How often it may still fire; null: until it is removed. */
  readonly left: number | null
  readonly fired: number
}

export type Injection = {
  readonly delayMs: number
  /** The fault that decides the outcome, where one fired that isn't a delay. */
  readonly fault: Fault | undefined
}

export type Faults = {
  add(settings: FaultSettings): Fault
  list(): readonly Fault[]
  remove(id: string): boolean
  clear(): void
  /** Decides a call's faults, and counts those that fire. */
  inject(call: { service: string; region: string; operation: string }): Injection
}

/** `random` gives numbers in [0, 1). */
export function createFaults(random: () => number): Faults {
  let faults: readonly Fault[] = []
  let lastId = 0
  return {
    add(settings) {
      const times = settings.times === undefined ? defaultTimes(settings) : settings.times
      lastId += 1
      const fault = { ...settings, id: String(lastId), passedOver: 0, left: times, fired: 0 }
      faults = [...faults, fault]
      return fault
    },
    list: () => faults,
    remove(id) {
      const before = faults.length
      faults = faults.filter((fault) => fault.id !== id)
      return faults.length < before
    },
    clear() {
      faults = []
    },
    inject(call) {
      let delayMs = 0
      let decided: Fault | undefined
      faults = faults.map((fault) => {
        if (fault.left === 0 || !matches(fault, call)) return fault
        if (fault.passedOver < (fault.afterCalls ?? 0)) {
          return { ...fault, passedOver: fault.passedOver + 1 }
        }
        if (fault.kind !== 'delay' && decided !== undefined) return fault
        if (random() >= fault.probability) return fault
        delayMs += fault.delayMs ?? 0
        if (fault.kind !== 'delay') decided = fault
        return {
          ...fault,
          fired: fault.fired + 1,
          left: fault.left === null ? null : fault.left - 1,
        }
      })
      return { delayMs, fault: decided }
    },
  }
}

function defaultTimes(settings: FaultSettings): number | null {
  return settings.kind === 'delay' ? null : 1
}

function matches(
  fault: Fault,
  call: { service: string; region: string; operation: string },
): boolean {
  return (
    (fault.service ?? call.service) === call.service &&
    (fault.operation ?? call.operation) === call.operation &&
    (fault.region ?? call.region) === call.region
  )
}
