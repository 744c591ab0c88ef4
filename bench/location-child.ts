/**
 * One fresh process of the location bench: loads a location source, then looks up the addresses of a
 * file, and prints what it measured. `node bench/location-child.ts geoip-lite|TABLE ADDRESSES`.
 * As a Lambda loads the table: without making its checksum.
 */

import { readFile } from 'node:fs/promises'
import type { Addresses } from './location-sample.ts'

export type Figures = {
  readonly loadMs: number
  readonly addedRssMb: number
  readonly lookups4: number
  readonly lookups6: number
}

const [source = '', addressFile = ''] = process.argv.slice(2)
const secondsEach = 1

global.gc?.()
const rssBefore = process.memoryUsage.rss()
const began = performance.now()
const locate = await load()
const loadMs = performance.now() - began
const addedRssMb = (process.memoryUsage.rss() - rssBefore) / 1e6

const addresses: Addresses = JSON.parse(await readFile(addressFile, 'utf8'))
const figures: Figures = {
  loadMs,
  addedRssMb,
  lookups4: lookupsPerSecond(addresses.v4),
  lookups6: lookupsPerSecond(addresses.v6),
}
process.stdout.write(JSON.stringify(figures))

async function load(): Promise<(address: string) => unknown> {
  if (source === 'geoip-lite') {
    const { default: geoip } = await import('geoip-lite')
    return geoip.lookup
  }
  const { loadLocationTable } = await import('../regions/location-table.ts')
  return (await loadLocationTable(source, { verify: false })).locate
}

function lookupsPerSecond(texts: readonly string[]): number {
  let found = 0
  const pass = () => {
    for (const text of texts) if (locate(text)) found++
  }
  // Once for the compiler.
  pass()
  let passes = 0
  const start = performance.now()
  while (performance.now() - start < secondsEach * 1000) {
    pass()
    passes++
  }
  if (found === 0) throw new Error('not one address was found')
  return (passes * texts.length) / ((performance.now() - start) / 1000)
}
