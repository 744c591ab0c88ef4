import { GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import type { SweepReport } from '../app/provisioning/sweep-report.ts'
import { makeDeviceKey } from './device-key.ts'
import {
  addresses,
  type EdgeProcess,
  noBreaker,
  type Stage,
  setStage,
  signedRequest,
} from './stage.ts'
import { sweepStage } from './sweeping.ts'

export const TableName = 'iot-global-provisioning'
export const times = {
  ...noBreaker,
  aws: { connectSeconds: 0.5, requestSeconds: 0.5 },
  deadlineSeconds: 1.5,
  leaseSeconds: 2,
}

/** Findings as `why thing`, sorted. */
export const of = (report: SweepReport, key: 'destroyed' | 'repaired' | 'reported') =>
  [...report.regions.flatMap((it): { why: string; thingName?: string }[] => it[key])]
    .concat(key === 'destroyed' ? [] : report[key])
    .map(({ why, thingName }) => (thingName === undefined ? why : `${why} ${thingName}`))
    .sort()

/**
 * Two regions and an edge for the tests of a file. Each test starts swept, as if every region were
 * dedicated, and ends without a broken invariant.
 */
export function useSweptFleet() {
  let stage: Stage
  let edge: EdgeProcess
  let devices = 0

  beforeAll(async () => {
    stage = await setStage(['eu-west-1', 'us-east-1'])
    edge = await stage.startEdge(times)
    await stage.allow('first')
    await edge.post(signedRequest(stage, 'first'))
  })
  beforeEach(async () => {
    // No attempt runs between two tests, so no lease counts: what the last one left unattached is
    // finished now, and not by a sweep in the middle of the next.
    await sweepStage(stage, {
      dedicatedRegions: ['eu-west-1', 'us-east-1'],
      deadlineSeconds: 0.001,
      leaseSeconds: 0.002,
    })
  })
  afterEach(async () => {
    await stage.clearFaults()
    const violations = await stage.violations()
    await forgetViolations()
    expect(violations).toEqual([])
  })
  afterAll(() => stage?.close())

  async function newDevice(): Promise<{ thingName: string; csr: string }> {
    devices += 1
    const thingName = `swept-${devices}`
    await stage.allow(thingName)
    return { thingName, csr: (await makeDeviceKey(thingName)).csr }
  }

  async function provisioned(thingName: string, csr?: string, address = addresses.dublin) {
    const answer = await edge.post(signedRequest(stage, thingName, csr), address)
    expect(answer.status).toBe(200)
    const record = await stage.row(thingName)
    if (record?.certificateId === undefined) throw new Error(`${thingName} has no certificate`)
    return record as typeof record & { certificateId: string; region: string }
  }

  async function put(item: Record<string, string>): Promise<void> {
    const Item = Object.fromEntries(Object.entries(item).map(([name, S]) => [name, { S }]))
    await stage.dynamoDb.send(new PutItemCommand({ TableName, Item }))
  }

  async function setAttribute(thingName: string, name: string, value: string): Promise<void> {
    await stage.dynamoDb.send(
      new UpdateItemCommand({
        TableName,
        Key: { thing_name: { S: thingName } },
        UpdateExpression: 'SET #name = :value',
        ExpressionAttributeNames: { '#name': name },
        ExpressionAttributeValues: { ':value': { S: value } },
      }),
    )
  }

  /** Ids of all certificates that stand, attached or not. */
  async function standing(): Promise<string[]> {
    const { things, unattached } = await stage.identities()
    return [...Object.values(things).flat(), ...unattached].map((it) => it.certificateId)
  }

  async function markOf(region: string) {
    const get = new GetItemCommand({
      TableName: 'iot-global-control',
      Key: { kind: { S: 'sweep' }, name: { S: region } },
    })
    return (await stage.dynamoDb.send(get)).Item
  }

  /** As if so much time had passed that the next sweep neither lists nor remembers what stands now. */
  async function forgetPending(region: string): Promise<void> {
    const reached_at = { S: new Date(Date.now() - 1000).toISOString() }
    const Item = { ...(await markOf(region)), reached_at, pending: { L: [] } }
    await stage.dynamoDb.send(new PutItemCommand({ TableName: 'iot-global-control', Item }))
  }

  async function forgetViolations(): Promise<void> {
    await fetch(`${stage.aws.controlUrl}/violations`, { method: 'DELETE' })
  }

  const writes = async () =>
    (await stage.calls()).filter(
      ({ operation }) => !/^(List|Describe|Get|Scan|Query|AssumeRole)/.test(operation),
    )

  return {
    stage: () => stage,
    edge: () => edge,
    newDevice,
    provisioned,
    put,
    setAttribute,
    standing,
    markOf,
    forgetPending,
    forgetViolations,
    writes,
  }
}
