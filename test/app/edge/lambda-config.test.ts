import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError } from '../../../app/edge/config.ts'
import { readLambdaConfig } from '../../../app/edge/lambda-config.ts'
import { catalogue } from '../../../regions/catalogue.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-config-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function problemsOf(name: string, text?: string): Promise<readonly string[]> {
  const file = join(folder, name)
  if (text !== undefined) await writeFile(file, text)
  const error = await readLambdaConfig({ LANDFALL_CONFIG_FILE: file }).catch((it) => it)
  if (!(error instanceof ConfigError)) throw new Error(`${name} was taken`, { cause: error })
  return error.problems.map((it) => it.replace(folder, ''))
}

describe("a Lambda's configuration file", () => {
  it('may hold many regions, and leave the edge’s own to the environment', async () => {
    const deviceRegions = catalogue.map(({ region }) => ({
      region,
      roleArn: `arn:aws:iam::111122223333:role/landfall-production-edge-${region}`,
      sweeperRoleArn: `arn:aws:iam::111122223333:role/landfall-production-sweeper-${region}`,
      externalId: 'landfall/production',
      dedicated: false,
      endpointAddress: `a1b2c3d4e5f6g7-ats.iot.${region}.amazonaws.com`,
    }))
    const text = JSON.stringify({ deviceRegions })
    // More than a Lambda's whole environment may hold.
    expect(text.length).toBeGreaterThan(4096)
    const file = join(folder, 'many.json')
    await writeFile(file, text)
    const config = await readLambdaConfig({ LANDFALL_CONFIG_FILE: file, AWS_REGION: 'eu-west-2' })
    expect(config).toMatchObject({ region: 'eu-west-2', deviceRegions })
  })

  it('is asked for where it is missing, by its name and the way to give it', async () => {
    expect(await problemsOf('gone.json')).toEqual([
      '/gone.json: can’t be read (ENOENT); pack landfall.json beside the code, as stacks/ does, or name the file in LANDFALL_CONFIG_FILE',
    ])
  })

  it('is refused with the file’s name at each problem, and never quoted', async () => {
    expect(await problemsOf('yaml.json', 'region: eu-west-1')).toEqual([
      '/yaml.json: is no JSON; write it as JSON, not as YAML',
    ])
    expect(await problemsOf('wrong.json', '{"region":"","deviceRegions":[]}')).toEqual([
      '/wrong.json: region: must name the AWS Region this edge and its tables are in',
      '/wrong.json: deviceRegions: must enable at least one region',
    ])
    expect(await problemsOf('null.json', 'null')).toHaveLength(1)
  })
})
