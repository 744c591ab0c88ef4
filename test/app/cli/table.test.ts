import { describe, expect, it } from 'vitest'
import { displayWidth, renderTable } from '../../../app/cli/table.ts'
import { printable } from '../../../app/cli/terminal.ts'

describe('renderTable', () => {
  it('aligns columns by what a terminal shows, numbers to the right', () => {
    expect(
      renderTable([
        ['city', 'km', 'why'],
        ['São Paulo', '7', 'nearest'],
        ['東京', '1,203', ''],
        ['\u001b[31mred\u001b[39m', '-', 'x'],
      ]),
    ).toEqual([
      'city          km  why',
      'São Paulo      7  nearest',
      '東京       1,203',
      '\u001b[31mred\u001b[39m            -  x',
    ])
  })

  it('counts wide characters and emoji twice, combined ones once', () => {
    expect(displayWidth('東京')).toBe(4)
    expect(displayWidth('🚀')).toBe(2)
    expect(displayWidth('e\u0301')).toBe(1)
  })
})

describe('printable', () => {
  it('keeps colours and drops everything else that steers a terminal', () => {
    expect(printable('\u001b[31mred\u001b[39m')).toBe('\u001b[31mred\u001b[39m')
    expect(printable('a\u001b[2Jb\u001b]0;title\u0007c\rd\u0000e')).toBe('abcde')
  })
})
