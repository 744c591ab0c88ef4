import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, addresses, type EdgeProcess, noBreaker } from '../../stage.ts'
import {
  ampleTimes,
  ask,
  certificatesIn,
  type Device,
  dishonesty,
  keepAsking,
  type Race,
  startRace,
} from '../../storm.ts'

const issuing = ['CreateCertificateFromCsr', 'CreateKeysAndCertificate']
let race: Race
let edges: EdgeProcess[]

beforeAll(async () => {
  race = await startRace()
  edges = await Promise.all([1, 2, 3, 4].map(() => race.stage.startEdge(ampleTimes)))
  const [first] = await race.devices(1, 'own')
  if (first !== undefined) await ask(edges, first, 12)
})
afterEach(() => race.stage.clearFaults())
afterAll(() => race?.close())

async function certificatesIssued(): Promise<number> {
  const calls = await race.stage.calls()
  return calls.filter((call) => issuing.includes(call.operation)).length
}

/** All that the winners of each device hold, where that is one certificate. */
function held(devices: readonly Device[], answers: readonly Answer[][]): Map<string, string> {
  return new Map(
    devices.map(({ name }, n) => {
      const certificates = certificatesIn(answers[n] ?? [])
      expect(certificates, name).toHaveLength(1)
      return [name, certificates[0] ?? '']
    }),
  )
}

async function attemptsOf(devices: readonly Device[]): Promise<number[]> {
  const rows = await Promise.all(devices.map(({ name }) => race.stage.row(name)))
  return rows.map((row) => row?.attempts ?? 0)
}

describe('200 simultaneous requests for one device at four edges', () => {
  it('with its own key give every winner the one certificate that was issued', async () => {
    const devices = await race.devices(1, 'own')
    await race.stage.clearCalls()
    const answers = await Promise.all(devices.map((device) => ask(edges, device, 200)))
    expect(answers.flat().flatMap((answer) => dishonesty(answer) ?? [])).toEqual([])
    expect(await certificatesIssued()).toBe(1)
    expect(await race.problems(held(devices, answers))).toEqual([])
  })

  it('without a key of its own give exactly one of them a certificate', async () => {
    const devices = await race.devices(1, 'aws')
    await race.stage.clearCalls()
    const answers = await Promise.all(devices.map((device) => ask(edges, device, 200)))
    const refused = answers.flat().filter((answer) => answer.status === 403)
    // Whether a contender comes so late is left to chance; this one does.
    const [late] = await Promise.all(devices.map((device) => ask(edges, device, 1)))
    expect(late).toMatchObject([{ status: 403 }])
    refused.push(...(late ?? []))
    expect(answers.flat().filter((answer) => answer.status === 200)).toHaveLength(1)
    expect(new Set(refused.map((answer) => answer.body.message))).toEqual(new Set(['you not']))
    const others = answers.flat().filter((answer) => !refused.includes(answer))
    expect(others.flatMap((answer) => dishonesty(answer) ?? [])).toEqual([])
    expect(await certificatesIssued()).toBe(1)
    expect(await race.problems(held(devices, answers))).toEqual([])
  })
})

describe('50 devices with 20 contenders each', () => {
  it('get one certificate each, whoever made the key', async () => {
    const devices = await race.devices(50, 'both')
    await race.stage.clearCalls()
    const answers = await Promise.all(devices.map((device) => ask(edges, device, 20)))
    expect(await certificatesIssued()).toBe(50)
    expect(await race.problems(held(devices, answers))).toEqual([])
  }, 120_000)
})

/**
 * The most that clocks may differ by is lease minus deadline (docs/provisioning.md): up to there no
 * lease ends under an attempt that is in time. Beyond it leases mean nothing, which costs certificates
 * and no more; AWS itself refuses signatures that are five minutes off.
 */
describe('two edges whose clocks differ', () => {
  const times = {
    ...noBreaker,
    deadlineSeconds: 3,
    leaseSeconds: 6,
  }
  const apart = (seconds: number) =>
    Promise.all([-seconds / 2, seconds / 2].map((skew) => race.stage.startEdge(times, skew)))

  it('by lease minus deadline never take an attempt over that is in time', async () => {
    const both = await apart(times.leaseSeconds - times.deadlineSeconds)
    const devices = await race.devices(12, 'own')
    await race.stage.fault({ kind: 'delay', operation: 'CreateThing', delayMs: 1500 })
    const answers = await Promise.all(
      devices.map((device, n) => keepAsking(both, device, n, { pauseMs: 100 })),
    )
    await Promise.all(both.map((edge) => edge.stop()))
    expect(answers.flat().flatMap((answer) => dishonesty(answer) ?? [])).toEqual([])
    expect(await attemptsOf(devices)).toEqual(devices.map(() => 1))
    expect(await race.problems(held(devices, answers))).toEqual([])
  }, 120_000)

  it('by nearly all that AWS takes cut each other off, and leave one live identity', async () => {
    const both = await apart(2 * 270)
    const devices = await race.devices(12, 'own')
    await race.stage.fault({ kind: 'delay', operation: 'CreateThing', delayMs: 300 })
    const contenders = devices.flatMap((device) => [0, 1, 2].map((n) => ({ device, n })))
    const asking = contenders.map(async ({ device, n }) => {
      // Into each other's attempts.
      await sleep(n * 100)
      return await keepAsking(both, device, n, { pauseMs: 300 })
    })
    await sleep(1500)
    await race.stage.clearFaults()
    const answers = await Promise.all(asking)
    await Promise.all(both.map((edge) => edge.stop()))
    expect(answers.flat().flatMap((answer) => dishonesty(answer) ?? [])).toEqual([])
    expect(Math.max(...(await attemptsOf(devices)))).toBeGreaterThan(1)
    const byDevice = devices.map((_, n) => answers.slice(3 * n, 3 * n + 3).flat())
    expect(await race.problems(held(devices, byDevice))).toEqual([])
  }, 120_000)
})

describe('an edge that is stopped beyond its leases, with 20 requests at the', () => {
  // Long enough for 20 requests at once to come as far as the last step on a busy machine.
  const times = {
    ...noBreaker,
    aws: { connectSeconds: 2, requestSeconds: 2 },
    deadlineSeconds: 3,
    leaseSeconds: 3.6,
  }
  let sleeper: EdgeProcess
  let others: EdgeProcess[]

  beforeAll(async () => {
    sleeper = await race.stage.startEdge(times)
    others = await Promise.all([1, 2].map(() => race.stage.startEdge(times)))
  })
  afterAll(() => Promise.all([sleeper, ...others].map((edge) => edge.stop())))

  it.each([
    ['claim', 'UpdateItem', 0],
    ['certificate', 'CreateCertificateFromCsr', 0],
    ['thing', 'CreateThing', 0],
    ['commit', 'UpdateItem', 20],
    ['attach', 'AttachThingPrincipal', 0],
  ])(
    '%s, and woken under a storm, harms nothing',
    async (_, operation, afterCalls) => {
      const devices = await race.devices(20, 'own')
      const region = 'eu-west-1'
      await race.stage.fault({ kind: 'delay', operation, region, afterCalls, delayMs: 600 })
      const early = Promise.all(
        devices.map(({ request }) => sleeper.post(request, addresses.dublin)),
      )
      await race.stage.faultFired(region)
      sleeper.child.kill('SIGSTOP')
      await race.stage.clearFaults()
      // Some ask while the leases hold, some find them ended; the sleeper wakes among them.
      const storm = Promise.all(
        devices.map(async (device, n) => {
          await sleep(n * 100)
          return await keepAsking(others, device, n)
        }),
      )
      await sleep(times.leaseSeconds * 1000 + 300)
      sleeper.child.kill('SIGCONT')
      const answers = await storm
      const late = await early
      expect([...answers.flat(), ...late].flatMap((it) => dishonesty(it) ?? [])).toEqual([])
      const all = answers.map((each, n) => [...each, ...late.slice(n, n + 1)])
      expect(await race.problems(held(devices, all))).toEqual([])
    },
    120_000,
  )
})

describe('sweeps of all that is young', () => {
  it('leave the certificates of running attempts alone', async () => {
    const devices = await race.devices(30, 'both')
    // Their certificates stand there for a while, of nobody as it seems.
    await race.stage.fault({ kind: 'delay', operation: 'CreateThing', delayMs: 1500 })
    const answers = await Promise.all(devices.map((device) => ask(edges, device, 1)))
    expect(answers.flat().map((answer) => answer.status)).toEqual(devices.map(() => 200))
    expect(await attemptsOf(devices)).toEqual(devices.map(() => 1))
    expect(await race.problems(held(devices, answers))).toEqual([])
  })

  it('failed at nothing all the while', () => {
    expect(race.sweepFailures()).toEqual([])
  })
})
