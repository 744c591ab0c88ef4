import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type LogPiece, splitLines } from '../../../../app/cli/watch/split-lines.ts'

async function* from(pieces: readonly LogPiece[]): AsyncGenerator<LogPiece> {
  yield* pieces
}

async function lines(pieces: readonly LogPiece[], longest?: number) {
  return await all(splitLines(from(pieces), longest))
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

describe('splitLines', () => {
  it('finds the same lines however the bytes come', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'é', '🚀', '\n', '\r\n', ' ') })
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(40)), async (log, cuts) => {
        const bytes = Buffer.from(log)
        const pieces: Buffer[] = []
        let at = 0
        for (const cut of cuts) {
          pieces.push(bytes.subarray(at, at + cut))
          at += cut
        }
        pieces.push(bytes.subarray(at))
        const expected = log.split('\n').map((line) => line.replace(/\r$/, ''))
        // What follows the last line's end is a line only where there is something.
        if (log === '' || log.endsWith('\n')) expected.pop()
        expect(await lines(pieces)).toEqual(expected)
      }),
    )
  })

  it('keeps nothing of a line without end, and goes on behind it', async () => {
    const mebibyte = Buffer.alloc(1_048_576, 'x')
    async function* endless() {
      for (let count = 0; count < 300; count++) yield mebibyte
      yield Buffer.from('\nnext\n')
    }
    const before = process.memoryUsage().arrayBuffers
    expect(await all(splitLines(endless()))).toEqual([undefined, 'next'])
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50e6)
  })

  it('takes a line as long as it may be', async () => {
    expect(await lines([Buffer.from('1234\n12345\n')], 4)).toEqual(['1234', undefined])
  })

  it('forgets half a line where the log begins anew', async () => {
    expect(await lines([Buffer.from('whole\nhal'), 'anew', Buffer.from('new\n')])).toEqual([
      'whole',
      'new',
    ])
  })
})
