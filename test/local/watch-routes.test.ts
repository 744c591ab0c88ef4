import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AttachPolicyCommand, CreatePolicyCommand } from '@aws-sdk/client-iot'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { validDocument } from './iot/use-iot.ts'
import { startWatched, startWatchedWithTable, type Watched } from './watched.ts'

let folder: string
let undo: (() => Promise<unknown> | unknown)[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'landfall-'))
  undo = [() => rmSync(folder, { recursive: true })]
})
afterEach(async () => {
  for (const step of undo.reverse()) await step()
})

async function breakBoth(watched: Watched, thingName: string) {
  const first = await watched.certificate('eu-west-1')
  const second = await watched.certificate('us-east-1')
  const row = { prov_status: 'provisioned', certificate_id: first.certificateId }
  await watched.putRow(thingName, row)
  await watched.attach(thingName, first)
  await watched.attach(thingName, second)
  await watched.setStatus(first, 'INACTIVE')
  return { first, second }
}

it('keeps violations over a restart, and watches what was there before it', async () => {
  const before = await startWatchedWithTable(folder)
  const { second } = await breakBoth(before, 'broken')
  const whole = await before.certificate('eu-west-1')
  const row = { prov_status: 'provisioned', certificate_id: whole.certificateId }
  await before.putRow('whole', row)
  await before.attach('whole', whole)
  const noted = await before.violations()
  await before.close()

  const after = await startWatched(folder)
  undo.push(() => after.close())
  expect(noted.map(({ invariant }) => invariant)).toEqual(['I1', 'K1'])
  expect(await after.violations()).toEqual(noted)
  expect(after.logged).toEqual([])
  await after.setStatus(second, 'INACTIVE')
  await after.attach('whole', await after.certificate('us-east-1'))
  await after.setStatus(whole, 'INACTIVE')
  expect((await after.violations()).slice(2)).toMatchObject([
    { seq: 3, invariant: 'I1', thingName: 'whole' },
    { seq: 4, invariant: 'K1', thingName: 'whole', certificateId: whole.certificateId },
  ])
})

it('forgets violations when asked, for good', async () => {
  const watched = await startWatchedWithTable(folder)
  await breakBoth(watched, 'broken')
  expect(await watched.violations()).toHaveLength(2)
  expect(await watched.control('DELETE', '/violations')).toBeUndefined()
  expect(await watched.violations()).toEqual([])
  await watched.close()
  const after = await startWatched(folder)
  undo.push(() => after.close())
  expect(await after.violations()).toEqual([])
})

it('lists every identity of all regions, without a call', async () => {
  const watched = await startWatched()
  undo.push(() => watched.close())
  const empty = { things: {}, unattached: [], activeUnattached: {} }
  expect(await watched.control('GET', '/identities')).toEqual(empty)

  const startedAt = Date.now() - 1
  const one = await watched.certificate('eu-west-1')
  const two = await watched.certificate('us-east-1', false)
  const stray = await watched.certificate('us-east-1')
  const off = await watched.certificate('us-east-1', false)
  await watched.attach('a', one)
  await watched.attach('b', one)
  await watched.attach('a', two)
  const operator = watched.iot('operator')
  for (const policyName of ['p', 'q']) {
    await operator.send(new CreatePolicyCommand({ policyName, policyDocument: validDocument }))
    await operator.send(new AttachPolicyCommand({ policyName, target: one.certificateArn }))
  }
  await watched.control('DELETE', '/calls')

  const createdAt = expect.toSatisfy((at) => at >= startedAt && at <= Date.now())
  const seen = (
    { region, certificateId }: typeof one,
    status: string,
    policies: string[] = [],
  ) => ({
    region,
    certificateId,
    status,
    createdAt,
    policies,
  })
  const identities = await watched.control('GET', '/identities')
  expect(identities).toEqual({
    things: {
      a: [seen(one, 'ACTIVE', ['p', 'q']), seen(two, 'INACTIVE')],
      b: [seen(one, 'ACTIVE', ['p', 'q'])],
    },
    unattached: expect.toSatisfy((rows) => rows.length === 2),
    activeUnattached: { 'us-east-1': 1 },
  })
  expect(identities).toMatchObject({
    unattached: expect.arrayContaining([seen(stray, 'ACTIVE'), seen(off, 'INACTIVE')]),
  })
  expect(await watched.control('GET', '/calls')).toEqual({ calls: [] })
})
