import { describe, expect, it } from 'vitest'
import type { DeviceRecord } from '../../../app/provisioning/device-record.ts'
import { findDrift, type SeenIdentity } from '../../../app/provisioning/identity-drift.ts'
import type { ObservedCertificate } from '../../../regions/iot-audit.ts'

const record: DeviceRecord = {
  thingName: 'lamp-1',
  status: 'provisioned',
  region: 'eu-west-1',
  certificateId: 'own',
  attachedAt: 1000,
  superseded: [],
  history: [],
}
const own: ObservedCertificate = {
  region: 'eu-west-1',
  certificateId: 'own',
  active: true,
  createdAt: 0,
  things: ['lamp-1'],
  policies: ['LandfallDevice'],
  keyThumbprint: 'key',
}
const other = { ...own, certificateId: 'other' }
const nothing: SeenIdentity = { superseded: [], hanging: [] }
const { attachedAt: _, ...unconfirmed } = record

const drift = (of: DeviceRecord, seen: Partial<SeenIdentity>, policyName = 'LandfallDevice') =>
  findDrift(of, { ...nothing, ...seen }, policyName)

describe('drift', () => {
  it('is none where the region is as the record has it', () => {
    expect(drift(record, { own })).toEqual([])
    expect(drift({ ...record, status: 'unprovisioned' }, {})).toEqual([])
    expect(drift({ ...record, status: 'blocked' }, {})).toEqual([])
  })

  it('is not claimed of what could not be seen', () => {
    expect(drift(record, {})).toEqual([])
  })

  it.each<[string, DeviceRecord, Partial<SeenIdentity>, string, string]>([
    ['deleted', record, { own: 'gone' }, 'is gone', 'allow reset lamp-1'],
    ['deactivated', record, { own: { ...own, active: false } }, 'INACTIVE', 'allow reset lamp-1'],
    [
      'taken from its thing',
      record,
      { own: { ...own, things: [] } },
      'lacks its thing: a hand detached it',
      'attach it again',
    ],
    [
      'without its policy',
      record,
      { own: { ...own, policies: ['another'] } },
      'lacks the policy LandfallDevice: a hand',
      'attach it again',
    ],
    [
      'never attached',
      unconfirmed,
      { own: { ...own, things: [], policies: [] } },
      'lacks its thing and the policy LandfallDevice: the attempt',
      'asks again',
    ],
    [
      'on two things',
      record,
      { own: { ...own, things: ['lamp-1', 'lamp-2'] } },
      'hangs on lamp-2 too',
      'one identity',
    ],
    [
      'given up and ACTIVE',
      record,
      { own, superseded: [other] },
      'other in eu-west-1 was given up and is ACTIVE',
      'landfall sweep',
    ],
    [
      'of a blocked device, and ACTIVE',
      { ...record, status: 'blocked' },
      { superseded: [other] },
      'was given up and is ACTIVE',
      'allow block lamp-1',
    ],
    [
      'on the thing, and in no record',
      record,
      { own, hanging: [other] },
      'hangs on its thing, ACTIVE, and isn’t in its record',
      'landfall sweep',
    ],
    [
      'on the thing of a device that may ask',
      { ...record, status: 'unprovisioned' },
      { hanging: [other] },
      'isn’t in its record',
      'allow block lamp-1',
    ],
    [
      'made by something else',
      (({ certificateId: _id, ...rest }) => rest)(record),
      { hanging: [other] },
      'something else provisioned it: other in eu-west-1',
      'unblock it',
    ],
  ])('names a certificate that is %s, and what to do', (_what, of, seen, what, remedy) => {
    const found = drift(of, seen)
    expect(found).toHaveLength(1)
    expect(found[0]?.what).toContain(what)
    expect(found[0]?.remedy).toContain(remedy)
  })

  it('says of what was given up whether it can do anything', () => {
    const unattached = { ...other, things: [], policies: [] }
    expect(drift(record, { own, superseded: [unattached] })[0]?.what).toContain('do nothing')
    expect(drift(record, { own, superseded: [{ ...other, active: false }] })).toEqual([])
  })

  it('takes any policy for the devices’ own where its name isn’t known', () => {
    const named = { ...own, policies: ['LandfallDevice-ada'] }
    expect(findDrift(record, { ...nothing, own: named }, undefined)).toEqual([])
    const bare = { ...own, policies: [] }
    expect(findDrift(record, { ...nothing, own: bare }, undefined)).toHaveLength(1)
  })
})
