import { DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateCertificateFromCsrCommand,
  CreateThingCommand,
  DescribeEndpointCommand,
  GetPolicyCommand,
  IoTClient,
} from '@aws-sdk/client-iot'

export type SeedWorld = {
  readonly awsEndpointUrl: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly geoUrl: string
  readonly region: string
  readonly dynamodbRegion: string
  readonly table: string
  readonly policyName: string
}

/**
 * What the AWS sample's Lambda does for one device that sends a CSR, call by call and one after the
 * other, on new clients at each request (docs/decisions/002-commit-before-attach.md has what that
 * order breaks). Its Python is left out: only the round trips are replayed.
 */
export async function provisionAsTheSeed(
  world: SeedWorld,
  thingName: string,
  csr: string,
): Promise<void> {
  const access = { endpoint: world.awsEndpointUrl, credentials: { ...world.credentials } }
  const dynamoDb = new DynamoDBClient({ ...access, region: world.dynamodbRegion })
  const iot = new IoTClient({ ...access, region: world.region })
  const Key = { thing_name: { S: thingName } }
  try {
    await dynamoDb.send(new GetItemCommand({ TableName: world.table, Key }))
    await (await fetch(world.geoUrl, { headers: { connection: 'close' } })).json()
    await iot.send(new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' }))
    await iot.send(new GetPolicyCommand({ policyName: world.policyName }))
    await iot.send(new CreateThingCommand({ thingName }))
    const { certificateArn } = await iot.send(
      new CreateCertificateFromCsrCommand({ certificateSigningRequest: csr, setAsActive: true }),
    )
    await iot.send(
      new AttachPolicyCommand({ policyName: world.policyName, target: certificateArn }),
    )
    await iot.send(new AttachThingPrincipalCommand({ thingName, principal: certificateArn }))
    await dynamoDb.send(
      new UpdateItemCommand({
        TableName: world.table,
        Key,
        UpdateExpression: 'SET prov_status = :status, prov_datetime = :time, aws_region = :region',
        ExpressionAttributeValues: {
          ':status': { S: 'provisioned' },
          ':time': { S: new Date().toISOString().slice(0, 19) },
          ':region': { S: world.region },
        },
      }),
    )
  } finally {
    dynamoDb.destroy()
    iot.destroy()
  }
}
