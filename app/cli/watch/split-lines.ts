/** A piece of a log, or that the log begins anew: what of a line was read belongs to no other. */
export type LogPiece = Buffer | 'anew'

/** An edge's longest lines hold an error's stack. */
export const longestLine = 256 * 1024

const newline = 0x0a

/**
 * The lines of a log, without their ends; undefined for one that is longer than `longest` bytes, of which
 * no more than that is kept.
 */
export async function* splitLines(
  pieces: AsyncIterable<LogPiece>,
  longest = longestLine,
): AsyncGenerator<string | undefined> {
  let kept: Buffer[] = []
  let length = 0
  const end = () => {
    const line = length > longest ? undefined : Buffer.concat(kept).toString('utf8')
    kept = []
    length = 0
    return line?.replace(/\r$/, '')
  }
  for await (const piece of pieces) {
    if (piece === 'anew') {
      end()
      continue
    }
    let from = 0
    for (let at = piece.indexOf(newline); at !== -1; at = piece.indexOf(newline, from)) {
      keep(piece.subarray(from, at))
      yield end()
      from = at + 1
    }
    keep(piece.subarray(from))
  }
  if (length > 0) yield end()

  function keep(part: Buffer): void {
    length += part.length
    if (length > longest) kept = []
    else if (part.length > 0) kept.push(part)
  }
}
