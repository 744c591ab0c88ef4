import { stripVTControlCharacters } from 'node:util'

const GAP = '  '
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })
const WIDE =
  /^(?:\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|[\u3000-\u303f\uff01-\uff60\uffe0-\uffe6])/u

/** Columns that `text` takes on a terminal: East Asian characters and emoji take two, colours none. */
export function displayWidth(text: string): number {
  let width = 0
  for (const { segment } of graphemes.segment(stripVTControlCharacters(text))) {
    width += WIDE.test(segment) ? 2 : 1
  }
  return width
}

/** Rows as lines with aligned columns; columns of numbers to the right. */
export function renderTable(rows: readonly (readonly string[])[]): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length))
  const layout = Array.from({ length: columns }, (_, column) => {
    const cells = rows.map((row) => row[column] ?? '')
    const body = cells.slice(1).map((cell) => stripVTControlCharacters(cell))
    return {
      width: Math.max(0, ...cells.map(displayWidth)),
      right:
        body.some((cell) => /^-?\d/.test(cell)) &&
        body.every((cell) => /^(?:-?\d[\d,]*(?:\.\d+)?|-?)$/.test(cell)),
    }
  })
  return rows.map((row) =>
    layout
      .map(({ width, right }, column) => {
        const cell = row[column] ?? ''
        const space = ' '.repeat(width - displayWidth(cell))
        return right ? space + cell : cell + space
      })
      .join(GAP)
      .trimEnd(),
  )
}

/** The text, cut off where it would be wider than so many columns; colours stay, and end. */
export function cutTo(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text
  let kept = ''
  let width = 0
  let coloured = false
  for (const part of text.split(COLOUR)) {
    if (COLOUR_ONLY.test(part)) {
      kept += part
      coloured = true
      continue
    }
    for (const { segment } of graphemes.segment(part)) {
      width += displayWidth(segment)
      if (width >= columns) return `${kept}…${coloured ? '\u001b[0m' : ''}`
      kept += segment
    }
  }
  return kept
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of colours
const COLOUR = /(\u001b\[[0-9;]{1,8}m)/
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of colours
const COLOUR_ONLY = /^\u001b\[[0-9;]{1,8}m$/
