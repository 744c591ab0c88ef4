/**
 * Loading a fleet: memory, throughput against the raw client, the pace under throttling, and kills.
 * Run with `npm run bench:import`; `--rows N` and `--large-rows N` (fewer, for a first look), `--json`. Over loopback, against an
 * endpoint in a process of its own that counts, or keeps rows where the measurement is about them.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeFleet } from './import-load/fleet-file.ts'
import { killImporter } from './import-load/kill-importer.ts'
import { runImporter, runRaw } from './import-load/run-importer.ts'
import { startEndpoint } from './import-load/start-endpoint.ts'
import { median } from './statistics.ts'

const aims = { peakMb: 150, throughput: 0.85, throttledAt: 200, throttledWithin: 0.1 }
const parallel = 64
const pairs = 5
const throttledRows = 6_000
const killed = { rows: 20_000, kills: 10 }

const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '100000' },
    'large-rows': { type: 'string', default: '1000000' },
    json: { type: 'boolean', default: false },
  },
})
const [smallRows = 0, largeRows = 0] = [flags.rows, flags['large-rows']].map(Number)
if (![smallRows, largeRows].every((it) => Number.isInteger(it) && it > 0)) {
  process.stderr.write('error: --rows and --large-rows must be whole numbers from 1\n')
  process.exit(2)
}

const folder = await mkdtemp(join(tmpdir(), 'landfall-bench-'))
const regionPolicy = { defaultRegion: 'eu-west-1' }
const document = JSON.stringify({ name: 'lamps', signers: [], regionPolicy })
const product = { kind: { S: 'product' }, name: { S: 'lamps' }, document: { S: document } }
const endpoint = await startEndpoint([product])
const say = (text: string) => void (flags.json || console.log(text))
const met = (holds: boolean) => (holds ? 'met' : 'MISSED')
try {
  const small = join(folder, 'small.csv')
  await writeFleet(small, smallRows)

  // The first run of a command on a machine compiles it.
  const warmUp = join(folder, 'warm-up.csv')
  await writeFleet(warmUp, 1000)
  await countImport(warmUp, 1000)

  say(
    `Throughput, ${smallRows.toLocaleString('en')} rows, ${parallel} at once, in turns: rows a second of the importer, and of the raw client`,
  )
  const ratios: number[] = []
  const rates: { importer: number; raw: number }[] = []
  const peaks: number[] = []
  for (let pair = 0; pair < pairs; pair += 1) {
    const importer = await countImport(small, smallRows)
    const raw = smallRows / (await countRaw(smallRows))
    ratios.push(importer.perSecond / raw)
    rates.push({ importer: Math.round(importer.perSecond), raw: Math.round(raw) })
    peaks.push(importer.peakMb)
    say(`  ${Math.round(importer.perSecond)} and ${Math.round(raw)}`)
  }
  const ratio = median(rates.map((it) => it.importer)) / median(rates.map((it) => it.raw))
  say(
    `medians' ratio: ${ratio.toFixed(2)} (aim: at least ${aims.throughput}, ${met(ratio >= aims.throughput)})\n`,
  )

  const large = join(folder, 'large.csv')
  await writeFleet(large, largeRows)
  const { peakMb: largePeakMb } = await countImport(large, largeRows)
  const smallPeakMb = Math.max(...peaks)
  say(`Peak memory (RSS), ${smallRows.toLocaleString('en')} rows: ${smallPeakMb.toFixed(0)} MB`)
  say(`Peak memory (RSS), ${largeRows.toLocaleString('en')} rows: ${largePeakMb.toFixed(0)} MB`)
  const peak = Math.max(smallPeakMb, largePeakMb)
  say(`(aim: at most ${aims.peakMb} MB for both, ${met(peak <= aims.peakMb)})\n`)

  const throttled = await throttle()
  const off = Math.abs(throttled.perSecond - aims.throttledAt) / aims.throttledAt
  say(
    `Throttled at ${aims.throttledAt} writes a second: ${throttled.perSecond.toFixed(1)} (aim: within ${aims.throttledWithin * 100} %, ${met(off <= aims.throttledWithin)}); ${throttled.throttled} answers throttled`,
  )
  say(
    `rows lost: ${throttled.lost}, twice: ${throttled.twice} (aim: none, ${met(throttled.lost === 0 && throttled.twice === 0)})\n`,
  )

  const kills = await killImporter(endpoint, {
    ...killed,
    file: join(folder, 'killed.csv'),
    random: Math.random,
  })
  const { missing, unexpected, changed } = kills
  say(`Killed ${kills.kills} times, at rows ${kills.atRows.join(', ')}, and started again`)
  say(
    `rows missing: ${missing}, unexpected: ${unexpected}, provisioned ones changed: ${changed} (aim: none, ${met(missing + unexpected + changed === 0)})`,
  )
  if (flags.json) {
    const figures = { ratio, ratios, rates, smallPeakMb, largePeakMb, largeRows, throttled, kills }
    console.log(JSON.stringify({ parallel, ...figures, aims }))
  }
} finally {
  endpoint.close()
  await rm(folder, { recursive: true, force: true })
}

async function countImport(file: string, rows: number) {
  await endpoint.reset({ keep: false, perSecond: null })
  const { summary, peakBytes } = await runImporter(endpoint.url, [
    file,
    '--parallel',
    `${parallel}`,
  ])
  const { written } = await endpoint.counts()
  if (written !== rows || summary.added !== rows) throw new Error(`${written} of ${rows} came`)
  return { perSecond: rows / (summary.seconds ?? Number.NaN), peakMb: peakBytes / 1024 / 1024 }
}

async function countRaw(rows: number): Promise<number> {
  await endpoint.reset({ keep: false, perSecond: null })
  return await runRaw(endpoint.url, rows, parallel)
}

async function throttle() {
  const file = join(folder, 'throttled.csv')
  await writeFleet(file, throttledRows)
  await endpoint.reset({ keep: true, perSecond: aims.throttledAt })
  await runImporter(endpoint.url, [file, '--parallel', `${parallel}`])
  const { written, refused, throttled, firstAt, lastAt } = await endpoint.counts()
  const { length } = await endpoint.rows()
  const perSecond = ((written - 1) * 1000) / (lastAt - firstAt)
  return { perSecond, throttled, lost: throttledRows - length, twice: refused + written - length }
}
