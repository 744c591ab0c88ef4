import { describe, expect, it } from 'vitest'
import { cutTo, displayWidth, renderTable } from '../../../app/cli/table.ts'
import { printable, printableJson } from '../../../app/cli/terminal.ts'

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

describe('cutTo', () => {
  it('keeps within the columns of a terminal, and ends colours that it cuts', () => {
    expect(cutTo('short', 5)).toBe('short')
    expect(cutTo('too long', 5)).toBe('too …')
    expect(cutTo('東京東京', 5)).toBe('東京…')
    expect(cutTo('\u001b[31mred, red\u001b[39m', 5)).toBe('\u001b[31mred,…\u001b[0m')
  })
})

describe('printableJson', () => {
  it('escapes what a terminal acts upon, and is the same value', () => {
    const value = { name: 'a\u009b2Jb\u007f\u202ec\u2028' }
    expect(printableJson(value)).toBe('{"name":"a\\u009b2Jb\\u007f\\u202ec\\u2028"}')
    expect(JSON.parse(printableJson(value))).toEqual(value)
  })
})
