import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CreatePolicyCommand } from '@aws-sdk/client-iot'
import { z } from 'zod'
import type { AccessKey } from '../../local/credentials.ts'
import { edgeRegion, type Stage, setStage } from '../stage.ts'
import { routerKeysFile } from './deployments.ts'
import { checkout, type Program, runProgram } from './program.ts'
import {
  type RunningLambda,
  type ShippedLambda,
  startLambda,
  unpackLambda,
} from './shipped-lambda.ts'

/** A personal stage's Lambdas as they would be shipped, before a stand-in for AWS. */
export type ShippedStage = {
  readonly stage: Stage
  readonly program: Program
  readonly edge: ShippedLambda
  readonly sweeper: ShippedLambda
  /** Starts one with the credentials of a user of the stand-in. */
  start(lambda: ShippedLambda, as: 'edge' | 'operator'): Promise<RunningLambda>
  close(): Promise<void>
}

export async function shipStage(name: string, regions: readonly string[]): Promise<ShippedStage> {
  const work = await mkdtemp(join(tmpdir(), 'landfall-bundle-'))
  const locationFile = join(work, 'geoip-lite.bin')
  const build = ['geo', 'build', '--source', 'geoip-lite', '--allow-stale', '--output']
  const [stage] = await Promise.all([
    setStage(regions),
    promisify(execFile)(process.execPath, ['app/cli/main.js', ...build, locationFile], {
      cwd: checkout,
    }),
  ])
  const running: RunningLambda[] = []
  const close = async () => {
    for (const it of running) it.stop()
    await stage.close()
    await rm(work, { recursive: true, force: true })
  }
  try {
    const { aws } = stage
    const program = await runProgram({
      stage: name,
      account: aws.accountId,
      replace: { 'stacks/stages.ts': planOf(regions) },
      env: {
        AWS_ENDPOINT_URL_DYNAMODB: aws.awsEndpointUrl,
        SST_SECRET_RouterKeys: routerKeysFile,
        ...variablesOf(aws.operator),
      },
      locationFile,
      keep: join(work, 'program'),
    })
    if (program.error !== undefined) throw new Error(program.error)
    await createDevicePolicies(stage, program)
    const unpack = async (component: string) => {
      const lambda = await unpackLambda(program, join(work, 'program'), component)
      await pointAtStandIn(stage, lambda)
      return lambda
    }
    return {
      stage,
      program,
      edge: await unpack('EdgeEuWest1'),
      sweeper: await unpack('Sweeper'),
      async start(lambda, as) {
        const started = await startLambda(lambda, {
          AWS_REGION: edgeRegion,
          AWS_ENDPOINT_URL: aws.awsEndpointUrl,
          ...variablesOf(aws[as]),
        })
        running.push(started)
        return started
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** A plan for the stand-in, whose tables have the seed's names. */
function planOf(regions: readonly string[]): string {
  return `
    export const stages = {}
    export const personalStage = {
      edges: ['${edgeRegion}'],
      deviceRegions: ${JSON.stringify(regions.map((region) => ({ region })))},
      tables: { allowList: 'iot-global-provisioning', control: 'iot-global-control' },
    }`
}

function variablesOf({ accessKeyId, secretAccessKey }: AccessKey) {
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
}

const packedConfig = z.looseObject({
  deviceRegions: z.array(z.looseObject({ region: z.string() })),
})

/** The stand-in has roles of its own names, and its endpoints are addresses of this machine. */
async function pointAtStandIn({ aws }: Stage, { folder }: ShippedLambda): Promise<void> {
  const file = join(folder, 'landfall.json')
  const packed = packedConfig.parse(JSON.parse(await readFile(file, 'utf8')))
  const deviceRegions = packed.deviceRegions.map((planned) => {
    const here = aws.regions.find((it) => it.region === planned.region)
    if (here === undefined) throw new Error(`the stand-in has no ${planned.region}`)
    const { edgeRoleArn: roleArn, sweeperRoleArn, endpointAddress } = here
    return { ...planned, roleArn, sweeperRoleArn, endpointAddress }
  })
  await writeFile(file, JSON.stringify({ ...packed, deviceRegions }))
}

/** Makes the device policies that the program asks for, so that the brokers enforce those. */
async function createDevicePolicies(stage: Stage, program: Program): Promise<void> {
  for (const { type, region = '', inputs } of program.resources) {
    if (type !== 'aws:iot/policy:Policy') continue
    const { name, policy } = z.object({ name: z.string(), policy: z.string() }).parse(inputs)
    const iot = stage.iot(region)
    await iot.send(new CreatePolicyCommand({ policyName: name, policyDocument: policy }))
    iot.destroy()
  }
}
