import { appendFile, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { followFile } from '../../../../app/cli/watch/follow-file.ts'
import { splitLines } from '../../../../app/cli/watch/split-lines.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-follow-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Follows a log while `write` changes it: each line is awaited before the next change. */
async function follow(
  name: string,
  write: (path: string, seen: (line: string) => Promise<void>) => Promise<void>,
): Promise<{ lines: (string | undefined)[]; notices: string[] }> {
  const path = join(folder, name)
  const ended = new AbortController()
  const lines: (string | undefined)[] = []
  const notices: string[] = []
  await writeFile(path, 'old\n')
  const onNotice = (what: string) => void notices.push(what.replace(path, name))
  const following = (async () => {
    const options = { from: 0, follow: true, signal: ended.signal, onNotice }
    for await (const line of splitLines(followFile(path, options))) lines.push(line)
  })()
  const seen = async (line: string) => {
    const giveUpAt = Date.now() + 10_000
    while (!lines.includes(line)) {
      if (Date.now() > giveUpAt) throw new Error(`never saw ${line}, only ${lines.join()}`)
      await sleep(10)
    }
  }
  try {
    await seen('old')
    await write(path, seen)
  } finally {
    ended.abort()
    await following
  }
  return { lines, notices }
}

describe.concurrent('followFile', () => {
  it('follows a file that grows, also by half a line', async () => {
    const { lines } = await follow('grows.log', async (path, seen) => {
      await appendFile(path, 'one\ntw')
      await seen('one')
      await appendFile(path, 'o\n')
      await seen('two')
    })
    expect(lines).toEqual(['old', 'one', 'two'])
  })

  it('goes on in the file that takes a rotated one’s place, and loses no line of either', async () => {
    const { lines, notices } = await follow('rotated.log', async (path, seen) => {
      await rename(path, `${path}.1`)
      // Between the two steps there is no such file, and who writes still writes to the old one.
      await appendFile(`${path}.1`, 'last\n')
      await sleep(300)
      await appendFile(`${path}.1`, 'very last\n')
      await writeFile(path, 'first\n')
      await seen('first')
    })
    expect(lines).toEqual(['old', 'last', 'very last', 'first'])
    expect(notices).toEqual(['rotated.log is another file now: from its beginning'])
  })

  it('begins anew where the file was cut off, without the half line before', async () => {
    const { lines, notices } = await follow('cut.log', async (path, seen) => {
      await appendFile(path, 'a long line that is not ended')
      await truncate(path)
      // Shorter than what was read before: whether the long line was seen meanwhile or not.
      await appendFile(path, 'a\n')
      await seen('a')
    })
    expect(lines).toEqual(['old', 'a'])
    expect(notices).toEqual(['cut.log was cut off: from its beginning'])
  })
})
