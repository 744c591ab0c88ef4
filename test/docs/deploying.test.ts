import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { namesOf } from '../../stacks/names.ts'
import { devicesSchema, parsePlan, routerSchema } from '../../stacks/plan.ts'

const text = await readFile(new URL('../../docs/deploying.md', import.meta.url), 'utf8')
const section = (heading: string) => text.split(/^#+ /m).find((it) => it.startsWith(heading)) ?? ''
const names = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)

const objectSchema = z.object({ properties: z.record(z.string(), z.unknown()) })
const listSchema = z.object({ items: z.unknown() })

/** Every field of a JSON Schema by its path, lists as `[]`; objects only by their members. */
function fieldsOf(schema: unknown, path = ''): string[] {
  const list = listSchema.safeParse(schema)
  if (list.success) {
    const members = fieldsOf(list.data.items, `${path}[]`)
    return members.length === 1 ? members : [`${path}[]`, ...members]
  }
  const object = objectSchema.safeParse(schema)
  if (!object.success) return [path]
  return Object.entries(object.data.properties).flatMap(([name, it]) =>
    fieldsOf(it, path === '' ? name : `${path}.${name}`),
  )
}

describe('docs/deploying.md', () => {
  it('describes every field of a plan, and no other', () => {
    const fields = [routerSchema, devicesSchema].flatMap((it) =>
      fieldsOf(z.toJSONSchema(it, { io: 'input' })),
    )
    const rows = [...section('The plan').matchAll(/^\| (`.*?) \|/gm)]
    expect(rows.flatMap(([, cell = '']) => names(cell)).sort()).toEqual([...new Set(fields)].sort())
  })

  it('shows a second account’s stage that can be deployed as it stands, and that fits the router', () => {
    const shown = /```ts\nindia: (\{[\s\S]*?\}),\n```/.exec(text)?.[1] ?? ''
    // An object literal of strings and lists is YAML too.
    const plan = parsePlan('india', devicesSchema.parse(parse(shown)))
    expect(plan).toMatchObject({ kind: 'devices' })
    const production = namesOf('production')
    for (const name of [
      production.edgeLambdaRole('eu-west-1'),
      production.edgeLambdaRole('eu-central-1'),
      production.sweeperLambdaRole,
    ])
      expect(shown).toContain(`:role/${name}'`)
  })

  it('names roles, functions and external id as the deployment does', () => {
    const { operatorRole, edgeLambda, sweeperLambda, externalId } = namesOf('production')
    expect(section('Operators')).toContain(`:role/${operatorRole}\n`)
    expect(section('Operators')).toContain(`external_id = ${externalId}\n`)
    for (const name of [edgeLambda, sweeperLambda])
      expect(text).toContain(`--function-name ${name} `)
    const roles = section('What there is')
    const any = namesOf('S')
    for (const name of [
      any.edgeLambdaRole('REGION'),
      any.sweeperLambdaRole,
      any.operatorRole,
      ...(['edge', 'sweeper', 'operator'] as const).map((it) => any.regionRole(it, 'REGION')),
      any.externalId,
    ])
      expect(roles).toContain(`\`${name}\``)
  })

  it('adds its costs up', () => {
    const tables = section('What it costs').split(/\n\n/)
    const sums = tables.filter((it) => it.includes('**in all**'))
    expect(sums).toHaveLength(2)
    for (const table of sums) {
      const rows = table
        .split('\n')
        .slice(2)
        .map((row) => row.split('|').slice(2, 4).map(amount))
      const total = rows.pop() ?? []
      for (const column of [0, 1]) {
        const sum = rows.reduce((all, row) => all + (row[column] ?? 0), 0)
        expect(total[column]).toBeCloseTo(sum, 2)
      }
    }
  })
})

function amount(cell: string): number {
  return Number(cell.replaceAll('*', '').trim().replace('–', '0'))
}
