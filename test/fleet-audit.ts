import { X509Certificate } from 'node:crypto'
import { scanAllowList } from '../app/allowlist/scan-allow-list.ts'
import type { DeviceRecord } from '../app/provisioning/device-record.ts'
import type { Identities, Identity } from '../local/iot/identities.ts'
import type { Stage } from './stage.ts'

/** The certificate (PEM) that each device got last; undefined for one that must have none. */
export type HeldCertificates = ReadonlyMap<string, string | undefined>

/**
 * What is wrong with a fleet once every lease has ended and a sweep is done, a line each: the
 * invariants I1 to I5 and K1 of docs/provisioning.md, for these devices and for every certificate.
 */
export async function auditFleet(stage: Stage, held: HeldCertificates): Promise<string[]> {
  const [violations, identities, records] = await Promise.all([
    stage.violations(),
    stage.identities(),
    readRecords(stage),
  ])
  const devices = [...held].flatMap(([name, pem]) =>
    auditDevice(name, pem, records.get(name), identities.things[name] ?? []),
  )
  return [
    ...violations.map((it) => `violation: ${JSON.stringify(it)}`),
    ...devices,
    ...auditRest(identities, records),
  ]
}

function auditDevice(
  name: string,
  pem: string | undefined,
  record: DeviceRecord | undefined,
  attached: readonly Identity[],
): string[] {
  const problem = (text: string) => `${name}: ${text}`
  if (record === undefined) return [problem('I4: has no record')]
  const superseded = record.superseded.map((it) =>
    problem(`I2: ${it.certificateId} is superseded and not gone`),
  )
  if (pem === undefined) {
    const status = record.status === 'blocked' ? [] : [problem(`I4: is ${record.status}`)]
    return [
      ...status,
      ...superseded,
      ...attached.map((it) => problem(`I4: ${it.status} ${it.certificateId} hangs on it`)),
    ]
  }
  if (record.status !== 'provisioned') return [problem(`I3: is ${record.status}`), ...superseded]
  const own = attached.find((it) => it.certificateId === record.certificateId)
  const others = attached.filter((it) => it !== own)
  return [
    ...superseded,
    ...(idOf(pem) === record.certificateId ? [] : [problem('I3: holds another certificate')]),
    ...(own === undefined
      ? [problem(`I5: its certificate ${record.certificateId} isn’t attached`)]
      : auditOwn(record, own).map(problem)),
    ...others.map((it) => problem(`I1, I2: ${it.status} ${it.certificateId} hangs on it as well`)),
  ]
}

function auditOwn(record: DeviceRecord, own: Identity): string[] {
  return [
    ...(own.status === 'ACTIVE' ? [] : [`I5: its certificate is ${own.status}`]),
    ...(own.region === record.region ? [] : [`I5: it is in ${own.region}, not ${record.region}`]),
    ...(own.policies.join() === 'LandfallDevice' ? [] : [`I5: its policies: ${own.policies}`]),
  ]
}

/** Certificates of nobody: orphans, and such as hang on things that no record knows. */
function auditRest(
  { things, unattached }: Identities,
  records: ReadonlyMap<string, DeviceRecord>,
): string[] {
  const strange = Object.keys(things).filter((name) => !records.has(name))
  return [
    ...unattached.map((it) => `I2: orphan ${it.status} ${it.certificateId} in ${it.region}`),
    ...strange.map((name) => `I4: ${name} has a certificate and no record`),
  ]
}

export async function readRecords(stage: Stage): Promise<Map<string, DeviceRecord>> {
  const { scan } = scanAllowList({ client: stage.dynamoDb, table: 'iot-global-provisioning' })
  const records = new Map<string, DeviceRecord>()
  for await (const row of scan(AbortSignal.timeout(60_000))) {
    if (row.type !== 'record') throw new Error(`${row.thingName}: ${row.problem}`)
    records.set(row.record.thingName, row.record)
  }
  return records
}

/** AWS IoT's id of a certificate: the SHA-256 of its DER, in hex. */
function idOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase()
}
