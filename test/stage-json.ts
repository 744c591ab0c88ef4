import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { audience } from './landfall-request.ts'
import { edgeRegion, type Stage } from './stage.ts'

/** Writes what `landfall local` would of this stage; returns the path that commands take as `--local`. */
export async function writeStageJson(stage: Stage, folder: string): Promise<string> {
  const { aws } = stage
  const edgeConfigFile = join(folder, 'edge.json')
  const deviceRegions = aws.regions.map((it) => ({
    region: it.region,
    roleArn: it.edgeRoleArn,
    operatorRoleArn: it.operatorRoleArn,
  }))
  await writeFile(edgeConfigFile, JSON.stringify({ region: edgeRegion, deviceRegions }))
  const file = join(folder, 'local.json')
  await writeFile(
    file,
    JSON.stringify({
      provisionUrl: 'http://127.0.0.1:1/device-provisioning',
      landfallUrl: 'http://127.0.0.1:1/v1/provision',
      audience,
      awsEndpointUrl: aws.awsEndpointUrl,
      controlUrl: aws.controlUrl,
      accountId: aws.accountId,
      dynamodbRegion: edgeRegion,
      ...aws.operator,
      edgeAccessKeyId: aws.edge.accessKeyId,
      edgeSecretAccessKey: aws.edge.secretAccessKey,
      caFile: join(folder, 'ca.pem'),
      signingKeyFile: join(folder, 'signing.pem'),
      landfallKeyFile: join(folder, 'landfall.keys.json'),
      allowListTable: 'iot-global-provisioning',
      controlTable: 'iot-global-control',
      edgeConfigFile,
      instance: 0,
      regions: aws.regions.map((it) => ({ ...it, mqttPort: 8883 })),
    }),
  )
  return file
}
