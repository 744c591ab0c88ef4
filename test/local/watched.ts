import { DescribeTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import {
  AttachThingPrincipalCommand,
  CreateThingCommand,
  DeleteCertificateCommand,
  DetachThingPrincipalCommand,
  IoTClient,
  UpdateCertificateCommand,
} from '@aws-sdk/client-iot'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { expect, vi } from 'vitest'
import { z } from 'zod'
import { type LocalAws, startLocalAws } from '../../local/aws.ts'
import { type Violation, violationShape } from '../../local/watch.ts'
import { newCertificate } from './iot/use-iot.ts'
import { createAllowList } from './machine.ts'
import { ownInstance } from './own-instance.ts'

export const TableName = 'iot-global-provisioning'

const violationsShape = z.strictObject({ violations: z.array(violationShape) })

export type Region = 'eu-west-1' | 'us-east-1'
export type By = 'operator' | 'edge'
export type Certificate = Awaited<ReturnType<typeof newCertificate>> & { readonly region: Region }

/** AWS on one machine in two regions, with its control API and what it logs of the watch. */
export type Watched = {
  readonly aws: LocalAws
  /** What was logged, oldest first. */
  readonly logged: Violation[]
  readonly dynamodb: DynamoDBClient
  /** The ARN that violations name. */
  arnOf(by: By, region?: Region): string
  iot(by: By, region?: Region): IoTClient
  certificate(region?: Region, active?: boolean): Promise<Certificate>
  /** As the region's edge; makes the thing where it isn't there. */
  attach(thingName: string, certificate: Certificate, by?: By): Promise<void>
  detach(thingName: string, certificate: Certificate): Promise<void>
  setStatus(
    certificate: Certificate,
    status: 'ACTIVE' | 'INACTIVE' | 'REVOKED',
    by?: By,
  ): Promise<void>
  remove(certificate: Certificate, by?: By): Promise<void>
  /** Writes the whole row, by the operator's hand. */
  putRow(thingName: string, attributes: Readonly<Record<string, string | number>>): Promise<void>
  violations(): Promise<Violation[]>
  control(method: string, path: string): Promise<unknown>
  close(): Promise<void>
}

export async function startWatched(dataFolder?: string): Promise<Watched> {
  const logged: Violation[] = []
  const aws = await startLocalAws({
    regions: ['eu-west-1', 'us-east-1'],
    violationLog: (violation) => logged.push(violation),
    ...(dataFolder === undefined ? {} : { dataFolder, instance: ownInstance }),
  })
  // A copy of the keys for each: the SDK writes its own notes into what it is given.
  const settings = (region: string) => ({ endpoint: aws.awsEndpointUrl, region, maxAttempts: 1 })
  const dynamodb = new DynamoDBClient({
    ...settings('eu-west-1'),
    credentials: { ...aws.operator },
  })
  const sts = new STSClient({ ...settings('eu-west-1'), credentials: { ...aws.edge } })
  const clients = new Map<string, IoTClient>()
  for (const { region, edgeRoleArn } of aws.regions) {
    const { Credentials } = await sts.send(
      new AssumeRoleCommand({ RoleArn: edgeRoleArn, RoleSessionName: 'edge' }),
    )
    const session = {
      accessKeyId: Credentials?.AccessKeyId ?? '',
      secretAccessKey: Credentials?.SecretAccessKey ?? '',
      sessionToken: Credentials?.SessionToken ?? '',
    }
    clients.set(`edge ${region}`, new IoTClient({ ...settings(region), credentials: session }))
    const operator = { ...aws.operator }
    clients.set(`operator ${region}`, new IoTClient({ ...settings(region), credentials: operator }))
  }
  const iot = (by: By, region: Region = 'eu-west-1') => {
    const client = clients.get(`${by} ${region}`)
    if (client === undefined) throw new Error(`no client for ${by} in ${region}`)
    return client
  }
  const control = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const sent = body === undefined ? null : JSON.stringify(body)
    const answer = await fetch(aws.controlUrl + path, { method, body: sent })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`)
    return answer.status === 204 ? undefined : answer.json()
  }
  await control('PUT', '/quotas', { perSecond: 100_000 })

  return {
    aws,
    logged,
    dynamodb,
    iot,
    control,
    arnOf: (by, region = 'eu-west-1') =>
      by === 'operator'
        ? `arn:aws:iam::${aws.accountId}:user/operator`
        : `arn:aws:sts::${aws.accountId}:assumed-role/landfall-edge-${region}/edge`,
    async certificate(region = 'eu-west-1', active = true) {
      return { ...(await newCertificate(iot('edge', region), active)), region }
    },
    async attach(thingName, { region, certificateArn: principal }, by = 'edge') {
      await iot(by, region).send(new CreateThingCommand({ thingName }))
      await iot(by, region).send(new AttachThingPrincipalCommand({ thingName, principal }))
    },
    async detach(thingName, { region, certificateArn: principal }) {
      const asked = new DetachThingPrincipalCommand({ thingName, principal })
      await iot('operator', region).send(asked)
    },
    async setStatus({ region, certificateId }, newStatus, by = 'edge') {
      const asked = new UpdateCertificateCommand({ certificateId, newStatus })
      await iot(by, region).send(asked)
    },
    async remove({ region, certificateId }, by = 'edge') {
      await iot(by, region).send(new DeleteCertificateCommand({ certificateId }))
    },
    async putRow(thingName, attributes) {
      const Item = {
        thing_name: { S: thingName },
        ...Object.fromEntries(
          Object.entries(attributes).map(([name, value]) => [
            name,
            typeof value === 'number' ? { N: String(value) } : { S: value },
          ]),
        ),
      }
      await dynamodb.send(new PutItemCommand({ TableName, Item }))
    },
    async violations() {
      return violationsShape.parse(await control('GET', '/violations')).violations
    },
    async close() {
      for (const client of [...clients.values(), dynamodb, sts]) client.destroy()
      await aws.close()
    },
  }
}

export async function startWatchedWithTable(dataFolder?: string): Promise<Watched> {
  const watched = await startWatched(dataFolder)
  await createAllowList(watched.dynamodb)
  const status = async () =>
    (await watched.dynamodb.send(new DescribeTableCommand({ TableName }))).Table?.TableStatus
  await vi.waitFor(async () => expect(await status()).toBe('ACTIVE'))
  return watched
}
