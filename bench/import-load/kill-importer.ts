import { writeFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { renderRow } from '../../app/allowlist/device-row.ts'
import { allowedDevice } from '../../app/provisioning/device-record.ts'
import type { Item } from './endpoint.ts'
import { benchDetails, benchName } from './fleet-file.ts'
import { runImporter } from './run-importer.ts'
import type { Endpoint } from './start-endpoint.ts'

export type KillFigures = {
  readonly kills: number
  readonly atRows: readonly number[]
  readonly missing: number
  readonly unexpected: number
  readonly changed: number
}

const everyInvalid = 100
const everyProvisioned = 50

/** Kills the importer at random rows of a file with wrong rows and provisioned devices; looks at the end. */
export async function killImporter(
  endpoint: Endpoint,
  given: { file: string; rows: number; kills: number; random: () => number },
): Promise<KillFigures> {
  const { file, rows, kills, random } = given
  const names = Array.from({ length: rows }, (_, index) => benchName(index))
  const isInvalid = (index: number) => index % everyInvalid === 7
  const lines = names.map((name, index) => `${name},${isInvalid(index) ? 'nothing' : 'lamps'}\n`)
  await writeFile(file, `thing_name,product\n${lines.join('')}`)
  const provisioned = names.filter((_, index) => index % everyProvisioned === 3).map(provisionedRow)
  await endpoint.reset({ keep: true, perSecond: null }, provisioned)
  const rejects = `${file}.rejects`
  const atRows: number[] = []
  for (let kill = 0; kill < kills; kill += 1) {
    const at = 1 + Math.floor(random() * rows * 0.95)
    atRows.push(at)
    const importer = runImporter(endpoint.url, [file, '--rejects', rejects], endpoint.answered(at))
    const { code } = await importer
    if (code !== null) throw new Error(`the importer ended before it was killed at row ${at}`)
  }
  const last = await runImporter(endpoint.url, [file, '--rejects', rejects])
  if (last.code !== 3) throw new Error(`the importer ended with ${last.code}, not with rejects`)

  const found = new Map((await endpoint.rows()).map((row) => [row.thing_name?.S ?? '', row]))
  const expected = new Set(names.filter((_, index) => !isInvalid(index)))
  for (const row of provisioned) expected.add(row.thing_name?.S ?? '')
  return {
    kills,
    atRows,
    missing: [...expected].filter((name) => !found.has(name)).length,
    unexpected: [...found.keys()].filter((name) => !expected.has(name)).length,
    changed: provisioned.filter(
      (row) => !isDeepStrictEqual(found.get(row.thing_name?.S ?? ''), row),
    ).length,
  }
}

function provisionedRow(name: string, index: number): Item {
  const record = {
    ...allowedDevice(name, 1_700_000_000_000, benchDetails(index)),
    status: 'provisioned' as const,
    region: 'eu-west-1',
    certificateId: index.toString(16).padStart(64, '0'),
  }
  // As it comes over the wire.
  return JSON.parse(JSON.stringify(renderRow(record)))
}
