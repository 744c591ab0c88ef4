import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DemoResult } from '../../../app/cli/demo/one-device.ts'
import { landfall, startLandfall } from './run-landfall.ts'

let temporary: string

beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'landfall-demo-test-'))
})
afterEach(() => rm(temporary, { recursive: true }))

describe('landfall demo', () => {
  it('lands ten devices, refuses two, and leaves nothing behind', async () => {
    const run = await landfall(['demo', '--json'], { env: { TMPDIR: temporary } })
    expect(run.stderr).toContain('Starting the edge …')
    expect(run.stderr).not.toMatch(/Broken|\{/)
    expect(run.code).toBe(0)
    const { ok, devices }: { ok: boolean; devices: DemoResult[] } = JSON.parse(run.stdout)
    expect(ok).toBe(true)
    const landed = devices.filter((it) => it.region !== undefined)
    expect(landed.map((it) => [it.from, it.region, it.messagesReceived])).toEqual([
      ['Dublin', 'eu-west-1', 3],
      ['Frankfurt', 'eu-central-1', 3],
      ['New York', 'us-east-1', 3],
      ['San Francisco', 'us-west-2', 3],
      ['São Paulo', 'sa-east-1', 3],
      ['Mumbai', 'ap-south-1', 3],
      ['Singapore', 'ap-southeast-1', 3],
      ['Tokyo', 'ap-northeast-1', 3],
      ['Sydney', 'ap-southeast-2', 3],
      ['Cape Town', 'sa-east-1', 3],
    ])
    expect(new Set(landed.map((it) => it.certificateId)).size).toBe(10)
    const ways = landed.map((it) => `${it.contract}, ${it.key}`)
    expect(new Set(ways)).toEqual(
      new Set(['seed, own', 'seed, AWS IoT', 'landfall, own', 'landfall, AWS IoT']),
    )
    expect(landed.every((it) => it.why?.startsWith('nearest: '))).toBe(true)
    expect(devices.flatMap((it) => it.refusal ?? [])).toEqual(['you not', 'not-authorized'])
    expect(await readdir(temporary)).toEqual([])
  })

  it('cleans up when it is interrupted', async () => {
    const { child, done, stderr } = startLandfall(['demo'], { env: { TMPDIR: temporary } })
    while (!stderr().includes('the edge')) await new Promise((next) => setTimeout(next, 20))
    child.kill('SIGINT')
    expect(await done).toMatchObject({
      code: 130,
      stdout: '',
      stderr: expect.stringContaining('error: interrupted\n'),
    })
    expect(await readdir(temporary)).toEqual([])
  })
})
