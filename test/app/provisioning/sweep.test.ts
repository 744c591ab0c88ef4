import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { addresses, signedRequest } from '../../stage.ts'
import { sweepStage } from '../../sweeping.ts'
import { of, useSweptFleet } from '../../use-swept-fleet.ts'

const { stage, edge, newDevice, provisioned, setAttribute, standing, markOf, writes } =
  useSweptFleet()

describe('a sweep', () => {
  it('changes nothing in a dry run, but says what it would do', async () => {
    const { thingName, csr } = await newDevice()
    await provisioned(thingName, csr)
    await setAttribute(thingName, 'prov_status', 'unprovisioned')
    await provisioned(thingName, csr)
    const mark = await markOf('eu-west-1')
    await stage().clearCalls()
    const report = await sweepStage(stage(), { dryRun: true })
    expect(of(report, 'destroyed')).toEqual([`superseded ${thingName}`])
    expect(await writes()).toEqual([])
    expect(await markOf('eu-west-1')).toEqual(mark)
  })

  it('destroys no more than it may, and says so', async () => {
    const pair = [await newDevice(), await newDevice()]
    for (const { thingName, csr } of pair) {
      await provisioned(thingName, csr)
      await setAttribute(thingName, 'prov_status', 'blocked')
    }
    const first = await sweepStage(stage(), { maxDestroy: 1 })
    expect([first.capped, of(first, 'destroyed')]).toEqual([
      true,
      [expect.stringMatching(/^superseded/)],
    ])
    const second = await sweepStage(stage(), { maxDestroy: 1 })
    expect([second.capped, of(second, 'destroyed')]).toEqual([
      false,
      [expect.stringMatching(/^superseded/)],
    ])
  })

  it('goes on in the other regions where one fails, and does the rest the next time', async () => {
    const [here, there] = [await newDevice(), await newDevice()]
    await provisioned(here.thingName, here.csr)
    await provisioned(there.thingName, there.csr, addresses.newYork)
    for (const { thingName } of [here, there])
      await setAttribute(thingName, 'prov_status', 'blocked')
    await stage().fault({ kind: 'error-before', service: 'iot', region: 'us-east-1', times: null })
    const mark = await markOf('us-east-1')
    const report = await sweepStage(stage())
    expect(of(report, 'destroyed')).toEqual([`superseded ${here.thingName}`])
    expect(report.regions.map((it) => it.failures.length > 0)).toEqual([false, true])
    expect(await markOf('us-east-1')).toEqual(mark)
    await stage().clearFaults()
    expect(of(await sweepStage(stage()), 'destroyed')).toEqual([`superseded ${there.thingName}`])
  })

  it('harms no attempt that it meets', async () => {
    const met = await Promise.all(Array.from({ length: 6 }, newDevice))
    await stage().fault({ kind: 'delay', service: 'iot', delayMs: 100, times: 40 })
    const sweeping = new AbortController()
    const sweeps = (async () => {
      while (!sweeping.signal.aborted) {
        await sweepStage(stage(), { dedicatedRegions: ['eu-west-1', 'us-east-1'] })
      }
    })()
    const answers = await Promise.all(
      met.map(async ({ thingName, csr }, at) => {
        await sleep(at * 100)
        return edge().post(signedRequest(stage(), thingName, csr))
      }),
    )
    sweeping.abort()
    await sweeps
    expect(answers.map((it) => it.status)).toEqual(met.map(() => 200))
    const { things } = await stage().identities()
    for (const { thingName } of met) {
      const record = await stage().row(thingName)
      expect(things[thingName]).toMatchObject([
        { certificateId: record?.certificateId, status: 'ACTIVE', policies: ['LandfallDevice'] },
      ])
    }
  })

  it('may meet another one', async () => {
    const both = [await newDevice(), await newDevice()]
    for (const { thingName, csr } of both) {
      await provisioned(thingName, csr)
      await setAttribute(thingName, 'prov_status', 'blocked')
    }
    const reports = await Promise.all([sweepStage(stage()), sweepStage(stage())])
    expect(reports.flatMap((it) => it.regions.flatMap((region) => region.failures))).toEqual([])
    for (const { thingName } of both) {
      expect(await stage().row(thingName)).toMatchObject({ status: 'blocked', superseded: [] })
      expect((await stage().identities()).things[thingName]).toBeUndefined()
    }
  })
})

describe.each([
  'UpdateCertificate',
  'DetachThingPrincipal',
  'DetachPolicy',
  'DeleteCertificate',
  'UpdateItem',
])('when %s', (operation) => {
  it.each([
    ['fails before its write', 'error-before', 1],
    ['fails after its write', 'error-after', 1],
    ['is performed and its answer lost', 'lost', 1],
    ['fails before its write to the end', 'error-before', null],
    ['fails after its write to the end', 'error-after', null],
    ['loses its answers to the end', 'lost', null],
  ])('%s, the next sweep settles it', async (_, kind, often) => {
    const { thingName, csr } = await newDevice()
    const old = await provisioned(thingName, csr)
    await setAttribute(thingName, 'prov_status', 'blocked')
    await stage().fault({ kind, operation, times: often })
    const first = await sweepStage(stage())
    await stage().clearFaults()
    const failed = first.failures.length > 0 || first.regions.some((it) => it.failures.length > 0)
    // Of what was performed, the SDK's next try learns that it is gone; a record tells by itself.
    const learns = ['DetachThingPrincipal', 'DeleteCertificate', 'UpdateItem'].includes(operation)
    expect(failed).toBe(often === null && (kind === 'error-before' || !learns))
    if (!failed) expect(await standing()).not.toContain(old.certificateId)
    await sweepStage(stage())
    expect(await standing()).not.toContain(old.certificateId)
    expect(await stage().row(thingName)).toMatchObject({ status: 'blocked', superseded: [] })
  })
})
