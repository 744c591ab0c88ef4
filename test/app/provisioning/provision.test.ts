import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../../app/app-error.ts'
import type { Incident } from '../../../app/provisioning/attempt.ts'
import { allowedDevice, type DeviceRecord } from '../../../app/provisioning/device-record.ts'
import { type ProvisionDeps, provision } from '../../../app/provisioning/provision.ts'
import { transition } from '../../../app/provisioning/transition.ts'
import { measureWaves } from '../../../app/provisioning/waves.ts'
import type { IotRegion } from '../../../regions/iot-region.ts'
import type { NoPlacement, Placement } from '../../../regions/placement.ts'
import { RegionError } from '../../../regions/region-error.ts'
import { openGate } from './open-gate.ts'

const now = Date.parse('2026-06-01T12:00:00Z')
const csr = { pem: 'CSR', thumbprint: 'key1' }
const grounds = { ruleLeft: false, candidates: [], failover: [], skipped: [] } as const
const nearest: Placement = {
  ...grounds,
  region: 'eu-west-1',
  basis: 'nearest',
  distanceKm: 5,
}
const reprovisioning = { rule: 'refuse', redeliverSeconds: 0 } as const

/**
 * A table of one row that keeps the contract of AllowList, and a region that notes what it is asked.
 * `beforeSave` stands for whatever happens between a decision and its write.
 */
function setUp(script: {
  beforeSave?: (world: World, next: DeviceRecord) => void
  region?: Partial<IotRegion>
  placement?: Placement | NoPlacement
}) {
  const world: World = { row: allowedDevice('dev1', now), calls: [], incidents: [] }
  const note = (call: string) => async () => void world.calls.push(call)
  const region: IotRegion = {
    region: 'eu-west-1',
    endpointAddress: async () => 'endpoint',
    warm: async () => {},
    createThing: async ({ adopt }) => void world.calls.push(`thing${adopt ? ' adopt' : ''}`),
    issueCertificate: async () => ({ certificateId: 'own', certificatePem: 'PEM' }),
    attach: async (_, id) => void world.calls.push(`attach ${id}`),
    deactivate: async (id) => void world.calls.push(`deactivate ${id}`),
    destroy: async (id) => void world.calls.push(`destroy ${id}`),
    ...script.region,
  }
  const deps: ProvisionDeps = {
    allowList: {
      find: async () => world.row,
      async save(previous, next) {
        script.beforeSave?.(world, next)
        const holds = world.row?.rev === previous.rev && world.row?.status === previous.status
        if (holds) world.row = next
        const own = isDeepStrictEqual(world.row, next)
        return own ? { saved: true } : { saved: false, current: world.row }
      },
    },
    regions: { find: (name) => (name === 'eu-west-1' ? region : undefined) },
    leaseSeconds: 60,
    now: () => now,
    newAttemptId: () => 'a1',
    by: 'test',
    waves: measureWaves(() => 0),
    onIncident: (incident) => void world.incidents.push(incident),
    onFailover: (next) => void note(`failover: ${next.region}`)(),
    failoverSeconds: 5,
    gate: openGate,
    onTrouble: (trouble) => void note(`trouble: ${trouble}`)(),
    signal: AbortSignal.timeout(10_000),
  }
  const { placement = nearest } = script
  const ask = () => provision(deps, { record: world.row ?? fail(), placement, reprovisioning, csr })
  return { world, ask }
}

type World = { row: DeviceRecord | undefined; calls: string[]; incidents: Incident[] }

function fail(): never {
  throw new Error('the row is gone')
}

function advance(record: DeviceRecord | undefined, event: Parameters<typeof transition>[1]) {
  const outcome = transition(record ?? fail(), event, now)
  if (outcome.type !== 'write') throw new Error(`${event.type} ended as ${outcome.type}`)
  return outcome.next
}

describe('provision', () => {
  it('claims, creates, commits, and only then attaches', async () => {
    const { world, ask } = setUp({})
    expect(await ask()).toMatchObject({ certificateId: 'own', created: true })
    expect(world.calls).toEqual(['thing', 'attach own'])
    expect(world.row?.status).toBe('provisioned')
  })

  it('recognises its own commit that another asker has confirmed meanwhile', async () => {
    let confirmed = false
    const { world, ask } = setUp({
      // The commit lands, its answer is lost, and the same device, asking again, confirms it.
      beforeSave(it, next) {
        if (next.status !== 'provisioned' || confirmed) return
        confirmed = true
        it.row = advance(next, { type: 'confirm', certificateId: 'own' })
      },
    })
    expect(await ask()).toMatchObject({ certificateId: 'own' })
    expect(world.calls).not.toContain('destroy own')
    expect(world.row?.certificateId).toBe('own')
  })

  it('gives way to a winner with the same key, and hands out its certificate', async () => {
    const { world, ask } = setUp({
      beforeSave(it, next) {
        if (next.status !== 'provisioned' || it.row?.attemptId !== 'a1') return
        const taken = { ...it.row, attemptId: 'a2', rev: (it.row.rev ?? 0) + 1 }
        it.row = advance(taken, {
          type: 'commit',
          by: 'test',
          attemptId: 'a2',
          certificateId: 'theirs',
          certificatePem: 'THEIRS',
          csrThumbprint: 'key1',
        })
      },
    })
    expect(await ask()).toMatchObject({
      certificateId: 'theirs',
      certificatePem: 'THEIRS',
      created: false,
    })
    expect(world.calls).toEqual(['thing', 'destroy own', 'attach theirs'])
    expect(world.incidents).toEqual(['overtaken'])
  })

  it('destroys its own certificate only, once it is proven that its record was taken', async () => {
    const { world, ask } = setUp({
      beforeSave(it, next) {
        if (next.status === 'provisioned')
          it.row = { ...(it.row ?? fail()), attemptId: 'a2', rev: 9 }
      },
    })
    await expect(ask()).rejects.toMatchObject({ code: 'in-progress' })
    expect(world.calls).toEqual(['thing', 'destroy own'])
  })

  it('undoes nothing where it can not know whether its commit landed', async () => {
    const { world, ask } = setUp({
      beforeSave(_, next) {
        if (next.status === 'provisioned') throw new AppError('allow-list-unavailable', 'unknown')
      },
    })
    await expect(ask()).rejects.toMatchObject({ code: 'allow-list-unavailable' })
    expect(world.calls).toEqual(['thing'])
    expect(world.row).toMatchObject({ status: 'provisioning', attemptId: 'a1' })
  })

  it('undoes everything where the region fails before the commit', async () => {
    const { world, ask } = setUp({
      region: {
        createThing: async () => {
          throw new RegionError('failing', 'eu-west-1', 'CreateThing')
        },
      },
    })
    await expect(ask()).rejects.toMatchObject({ code: 'failing' })
    expect(world.calls).toEqual(['destroy own'])
    expect(world.incidents).toEqual(['undone'])
    expect(world.row?.status).toBe('unprovisioned')
  })

  it.each([
    ['unavailable', 'regions-unavailable'],
    ['not-enabled', 'region-not-configured'],
    ['pin-not-allowed', 'region-not-configured'],
  ] as const)('writes nothing where there is no region, %s', async (refusal, code) => {
    const { world, ask } = setUp({ placement: { ...grounds, region: undefined, refusal } })
    const before = world.row
    await expect(ask()).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/^no region/),
    })
    expect([world.row, world.calls]).toEqual([before, []])
  })

  it('leaves the next request to be placed anew where what it was placed by has changed', async () => {
    const { world, ask } = setUp({
      beforeSave: (world) => {
        const row = world.row ?? fail()
        world.row = { ...row, rev: 9, attributes: { plan: 'gold' } }
      },
    })
    await expect(ask()).rejects.toMatchObject({ code: 'in-progress' })
    expect(world.row).toMatchObject({ status: 'unprovisioned' })
    expect(world.calls).toEqual([])
  })

  it('makes nothing where a superseded certificate lies in a region that it does not have', async () => {
    const { world, ask } = setUp({})
    const superseded = [{ region: 'us-east-1', certificateId: 'old' }]
    world.row = { ...(world.row ?? fail()), superseded }
    await expect(ask()).rejects.toMatchObject({ code: 'region-not-configured' })
    expect(world.calls).toEqual([])
    expect(world.row.status).toBe('unprovisioned')
  })

  it('takes a foreign thing over only where the row named this region before any attempt', async () => {
    const { world, ask } = setUp({})
    world.row = { ...(world.row ?? fail()), region: 'eu-west-1' }
    await ask()
    expect(world.calls[0]).toBe('thing adopt')
  })

  it('does not place a device anew whose pin changed under the claim', async () => {
    const { world, ask } = setUp({
      beforeSave(it) {
        if (it.row?.regionPin === undefined) {
          it.row = advance(it.row, {
            type: 'move',
            by: 'test',
            attemptId: 'op',
            region: 'us-east-1',
          })
        }
      },
    })
    await expect(ask()).rejects.toMatchObject({ code: 'in-progress' })
    expect(world.calls).toEqual([])
  })

  it('does not serve a device whose own key came under the claim: another one signed', async () => {
    const publicKey = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) } as const
    const { world, ask } = setUp({
      beforeSave(it) {
        if (it.row !== undefined && it.row.publicKey === undefined) {
          it.row = advance(it.row, { type: 'amend', by: 'test', details: { publicKey } })
        }
      },
    })
    await expect(ask()).rejects.toMatchObject({ code: 'in-progress' })
    expect(world.calls).toEqual([])
  })
})
