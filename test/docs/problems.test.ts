import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { problemNames, problemTypes } from '../../app/edge/problem-types.ts'

const text = await readFile(new URL('../../docs/problems.md', import.meta.url), 'utf8')

it('docs/problems.md lists every problem as the edge tells it', () => {
  const rows = problemNames.map((name) => {
    const { status, title, meaning, remedy, retry } = problemTypes[name]
    return `| \`${name}\` | ${status}${retry ? ', Retry-After' : ''} | ${title} | ${meaning} | ${remedy} |`
  })
  expect(text.split('\n').filter((line) => line.startsWith('| `'))).toEqual(rows)
})
