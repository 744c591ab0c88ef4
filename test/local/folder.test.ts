import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openFolder, type State } from '../../local/folder.ts'

const key = { accessKeyId: 'AKIAAAAAAAAAAAAAAAAA', secretAccessKey: 'x' }
const state: State = {
  version: 1,
  accountId: '123456789012',
  instance: 3,
  port: 20_000,
  controlPort: 20_001,
  regions: ['eu-west-1'],
  operator: key,
  edge: key,
  sessionSecret: 'x',
}

let path: string
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'landfall-'))
})
afterEach(() => rmSync(path, { recursive: true }))

describe('the data folder', () => {
  it('is made where it is missing, and gives back what was saved', () => {
    const inner = join(path, 'a', 'b')
    const first = openFolder(inner)
    expect(first.state).toBeUndefined()
    first.save(state)
    first.save({ ...state, instance: 4 })
    first.release()
    const second = openFolder(inner)
    expect(second.state).toEqual({ ...state, instance: 4 })
    second.release()
    expect(statSync(join(inner, 'state.json')).mode & 0o777).toBe(0o600)
  })

  it("is one holder's at a time, in this process too", () => {
    const first = openFolder(path)
    expect(() => openFolder(path)).toThrow(
      expect.objectContaining({
        code: 'folder-in-use',
        message: `the folder ${path} is in use by process ${process.pid}`,
      }),
    )
    first.release()
    openFolder(path).release()
  })

  it('is refused while another process has it, and free once that one was killed', async () => {
    const module = new URL('../../local/folder.ts', import.meta.url).href
    const script = `(await import('${module}')).openFolder('${path}'); console.log('held'); setInterval(() => {}, 1000)`
    const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      await once(holder.stdout, 'data')
      expect(() => openFolder(path)).toThrow(`is in use by process ${holder.pid}`)
    } finally {
      holder.kill('SIGKILL')
      await once(holder, 'exit')
    }
    openFolder(path).release()
  })

  it('is refused with a state that it did not write, and let go', () => {
    writeFileSync(join(path, 'state.json'), '{"version":2}')
    for (let attempt = 0; attempt < 2; attempt += 1) {
      expect(() => openFolder(path)).toThrow(expect.objectContaining({ code: 'folder-unreadable' }))
    }
  })
})
