import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parseConfig } from '../../app/edge/config.ts'

const text = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
const example: unknown = parse(/```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? '')

/** Every path of members in a value, arrays as `[]`, leaves only. */
function pathsOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((it) => pathsOf(it, `${path}[]`))
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([name, it]) =>
    pathsOf(it, path === '' ? name : `${path}.${name}`),
  )
}

describe('docs/configuration.md', () => {
  it('shows a configuration that an edge takes as it stands', () => {
    expect(parseConfig(example)).toEqual(example)
  })

  it('shows every field, each in the table too', () => {
    const fields = new Set([...pathsOf(example), ...pathsOf(parseConfig(example))])
    const rows = [...text.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) => {
      const names = [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
      const group = names[0]?.replace(/\.\w+$/, '') ?? ''
      return names.map((name) => (name.startsWith('.') ? group + name : name))
    })
    expect(rows).toEqual(expect.arrayContaining([...fields]))
  })

  it('shows the defaults, but for the proxies and where it listens', () => {
    const defaults = parseConfig({
      region: 'eu-west-1',
      deviceRegions: [
        { region: 'eu-west-1', roleArn: 'arn:aws:iam::111122223333:role/landfall-edge-eu-west-1' },
      ],
    })
    const { listen, trustedProxies, ...rest } = defaults
    expect(listen).toEqual({ host: '127.0.0.1', port: 8080 })
    expect(trustedProxies).toEqual([])
    const shown = parseConfig(example)
    expect({ ...shown, ...rest }).toEqual({ ...shown, deviceRegions: rest.deviceRegions })
  })
})
