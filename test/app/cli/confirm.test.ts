import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Stage, setStage } from '../../stage.ts'
import { writeStageJson } from '../../stage-json.ts'
import { startLandfall } from './run-landfall.ts'

let stage: Stage
let folder: string
let localJson: string

beforeAll(async () => {
  stage = await setStage(['eu-west-1'])
  folder = await mkdtemp(join(tmpdir(), 'landfall-confirm-'))
  localJson = await writeStageJson(stage, folder)
  await stage.allow('asked-1')
  await stage.allow('asked-2')
})
afterAll(async () => {
  await stage?.close()
  await rm(folder, { recursive: true })
})

/** Has a process take its pipes for a terminal: keys are bytes then. */
const asTerminal = encodeURIComponent('process.stdin.isTTY=true;process.stderr.isTTY=true')
const env = { NODE_OPTIONS: `--import=data:text/javascript,${asTerminal}` }
type Answer = (child: ChildProcess) => void

/** `allow block`, answered once it asks. */
async function blockAsked(name: string, answer: Answer) {
  const args = ['allow', 'block', name, '--local', localJson]
  const { child, done, stdout, stderr } = startLandfall(args, { env, stdin: 'pipe' })
  await until(() => stderr().includes('[y/N]'))
  answer(child)
  // A pipe, other than a terminal, keeps its reader alive.
  await until(() => stdout() !== '' || stderr().includes('error:'))
  child.stdin?.end()
  const run = await done
  return { ...run, stderr: stripVTControlCharacters(run.stderr) }
}

async function until(what: () => boolean): Promise<void> {
  const giveUpAt = Date.now() + 15_000
  while (!what()) {
    if (Date.now() > giveUpAt) throw new Error('it never came')
    await sleep(20)
  }
}

describe('a question', () => {
  it.each<[string, Answer]>([
    ['Ctrl-C', (child) => child.stdin?.write('\u0003')],
    ['Ctrl-D', (child) => child.stdin?.write('\u0004')],
    ['the end of stdin', (child) => child.stdin?.end()],
    ['SIGTERM', (child) => child.kill('SIGTERM')],
  ])('that %s answers ends with 130, and nothing is done', async (_, answer) => {
    const { code, stdout, stderr } = await blockAsked('asked-1', answer)
    expect(stderr).toMatch(/\nerror: nothing was blocked\n$/)
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    expect((await stage.row('asked-1'))?.status).toBe('unprovisioned')
  })

  it('is for yes or no', async () => {
    const no = await blockAsked('asked-2', (child) => child.stdin?.write('n\r'))
    expect(no).toMatchObject({ code: 1, stdout: '' })
    expect(no.stderr).toMatch(/error: nothing was blocked\n$/)
    const yes = await blockAsked('asked-2', (child) => child.stdin?.write('y\r'))
    expect(yes).toMatchObject({ code: 0, stdout: expect.stringMatching(/^asked-2 blocked/) })
  })
})
