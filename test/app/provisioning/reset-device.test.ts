import { expect, it } from 'vitest'
import type { OperatorRegion } from '../../../app/provisioning/cut-off.ts'
import { allowedDevice, type DeviceRecord } from '../../../app/provisioning/device-record.ts'
import type { OrderDeps } from '../../../app/provisioning/give-order.ts'
import { resetDevice } from '../../../app/provisioning/reset-device.ts'
import { transition } from '../../../app/provisioning/transition.ts'

const now = Date.parse('2026-06-01T12:00:00Z')

/** One device's record in memory; `meanwhile` happens while its certificate is made INACTIVE. */
function setUp(meanwhile: (record: DeviceRecord) => DeviceRecord) {
  let record: DeviceRecord = {
    ...allowedDevice('dev1', now - 1000),
    status: 'provisioned',
    region: 'eu-west-1',
    certificateId: 'c1',
  }
  let attempts = 0
  const audit: Pick<OperatorRegion['audit'], 'cutOff'> = {
    async cutOff() {
      record = meanwhile(record)
      return true
    },
  }
  const deps = {
    allowList: {
      find: async () => record,
      async save(previous: DeviceRecord, next: DeviceRecord) {
        if (previous.rev !== record.rev) return { saved: false, current: record }
        record = next
        return { saved: true }
      },
    },
    regions: { get: async () => ({ audit }) },
    by: 'operator',
    now: () => now,
    newAttemptId: () => `o${++attempts}`,
    signal: new AbortController().signal,
    // Only what a reset asks for.
  } as unknown as OrderDeps
  return { reset: () => resetDevice(deps, 'dev1'), record: () => record }
}

it('lets the device ask once what it had is cut off', async () => {
  const { reset, record } = setUp((it) => it)
  expect(await reset()).toMatchObject({ type: 'reset', cutOffs: [{ certificateId: 'c1' }] })
  expect(record().status).toBe('unprovisioned')
})

it('doesn’t say that a device may ask that was blocked meanwhile', async () => {
  const { reset, record } = setUp((it) => {
    const blocked = transition(it, { type: 'block', by: 'other', attemptId: 'b1' }, now)
    if (blocked.type !== 'write') throw new Error('it was not blocked')
    return blocked.next
  })
  expect(await reset()).toEqual({ type: 'refused', reason: 'blocked' })
  expect(record().status).toBe('blocked')
})
