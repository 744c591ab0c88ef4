import { CreateKeysAndCertificateCommand } from '@aws-sdk/client-iot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findDefaultRate } from '../../../local/quotas.ts'
import { auditRate, nextSlot } from '../../../regions/audit-pace.ts'
import { type Stage, setStage } from '../../stage.ts'
import { sweepStage } from '../../sweeping.ts'

/** One of each tier of quotas. */
const regions = ['eu-west-1', 'us-west-1']
const strays = 16
let stage: Stage

beforeAll(async () => {
  stage = await setStage(regions)
  await stage.allow('one')
  const quotas = (method: string, body?: unknown) =>
    fetch(`${stage.aws.controlUrl}/quotas`, { method, body: body ? JSON.stringify(body) : null })
  await quotas('PUT', { perSecond: null })
  for (const region of regions) {
    const iot = stage.iot(region)
    for (let made = 0; made < strays; made += 1) {
      await iot.send(new CreateKeysAndCertificateCommand({ setAsActive: true }))
    }
    iot.destroy()
  }
  await quotas('DELETE')
})
afterAll(() => stage?.close())

describe('a sweep', () => {
  it('keeps below the default quotas of every call, and is never throttled', async () => {
    await stage.clearCalls()
    const report = await sweepStage(stage, { dedicatedRegions: regions, quotaFactor: 1 })
    expect(report.regions.map((it) => it.destroyed.length)).toEqual([strays, strays])
    const calls = (await stage.calls()).filter(({ service }) => service === 'iot')
    expect(calls.filter(({ status }) => status !== 200)).toEqual([])
    for (const { region, operation } of calls) {
      const starts = calls
        .filter((it) => it.region === region && it.operation === operation)
        .map((it) => it.startedAt)
      const most = Math.max(
        ...starts.map((from) => starts.filter((at) => at >= from && at < from + 1000).length),
      )
      expect(most).toBeLessThanOrEqual(findDefaultRate(region, operation) ?? 0)
    }
  })
})

describe('auditRate', () => {
  it('is less than the quota, and leaves edges half of what they call too', () => {
    expect(auditRate('eu-west-1', 'DescribeCertificate')).toBe(8)
    expect(auditRate('eu-west-1', 'DetachThingPrincipal')).toBe(80)
    expect(auditRate('us-west-1', 'DetachThingPrincipal')).toBe(40)
    expect(auditRate('eu-west-1', 'UpdateCertificate')).toBe(5)
    expect(auditRate('eu-west-1', 'CreateThing')).toBeUndefined()
  })
})

describe('nextSlot', () => {
  it('spaces calls evenly, and saves no slots up', () => {
    expect(nextSlot(undefined, 8, 1000)).toBe(1000)
    expect(nextSlot(1000, 8, 1001)).toBe(1125)
    expect(nextSlot(1000, 8, 5000)).toBe(5000)
  })
})
