/**
 * Warm latency of one provisioning with a CSR: Landfall's five waves, under either contract, against the
 * seed's sequence, over the same AWS endpoint, in turns in one run. Run with `npm run bench`; `--rounds N`, `--json`.
 */

import { sign } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { dynamoAllowList } from '../app/allowlist/dynamo-allow-list.ts'
import { type Local, startLocal } from '../app/cli/local/start-local.ts'
import { allowedDevice } from '../app/provisioning/device-record.ts'
import { makeDeviceKey } from '../test/device-key.ts'
import { compact, csrMember, makeSigningKey, signRequest } from '../test/landfall-request.ts'
import { provisionAsTheSeed } from './seed-sequence.ts'
import { median, quantile } from './statistics.ts'

const delays = { regionMs: 60, tableMs: 5, geoMs: 30 }
/** The sums of the added delays along each way: what no program can beat. */
const floors = {
  landfall: 3 * delays.tableMs + 2 * delays.regionMs,
  contract: 3 * delays.tableMs + 2 * delays.regionMs,
  seed: 2 * delays.tableMs + 6 * delays.regionMs + delays.geoMs,
}
const aims = { landfallMedianMs: 170, ratio: 2.5 }
const warmRounds = 100
const region = 'eu-west-1'
const dublin = '134.226.1.1'

const { values: flags } = parseArgs({
  options: { rounds: { type: 'string', default: '40' }, json: { type: 'boolean', default: false } },
})
const rounds = Number(flags.rounds)
if (!Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write('error: --rounds must be a whole number from 1\n')
  process.exit(2)
}

const folder = await mkdtemp(join(tmpdir(), 'landfall-bench-'))
const local = await startLocal({ dataFolder: folder, regions: [region, 'us-east-1'] })
const geo = createServer((_, response) => {
  setTimeout(() => response.end('{"latitude":53.35,"longitude":-6.26}'), delays.geoMs)
}).listen(0, '127.0.0.1')
try {
  await once(geo, 'listening')
  const figures = await measure(local, `http://127.0.0.1:${(geo.address() as AddressInfo).port}`)
  report(figures)
} finally {
  geo.close()
  await local.close()
  await rm(folder, { recursive: true, force: true })
}

/** `landfall`: by the seed contract; `contract`: by the Landfall contract, with the device's own key. */
type Figures = { landfall: number[]; contract: number[]; seed: number[] }

async function measure({ json }: Local, geoUrl: string): Promise<Figures> {
  const credentials = {
    accessKeyId: json.accessKeyId,
    secretAccessKey: json.secretAccessKey,
  }
  const allowList = dynamoAllowList({
    client: new DynamoDBClient({
      endpoint: json.awsEndpointUrl,
      region: json.dynamodbRegion,
      credentials,
    }),
    table: json.allowListTable,
  })
  const signingKey = await readFile(json.signingKeyFile)
  const own = makeSigningKey()
  const allow = (name: string, given?: Parameters<typeof allowedDevice>[2]) =>
    allowList.add(allowedDevice(name, Date.now(), given), AbortSignal.timeout(10_000))
  const allowAll = (round: string) =>
    Promise.all([
      allow(`l${round}`),
      allow(`s${round}`),
      allow(`c${round}`, { publicKey: own.jwk }),
    ])
  const post = async (url: string, headers: Record<string, string>, body: string) => {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'X-Forwarded-For': dublin, ...headers },
      body,
    })
    if (answer.status !== 200) throw new Error(`answered ${answer.status}: ${await answer.text()}`)
    await answer.json()
  }
  const throughLandfall = async (name: string) => {
    const { csr } = await makeDeviceKey(name)
    const signature = sign('sha256', Buffer.from(name), signingKey).toString('base64')
    const body = JSON.stringify({ 'thing-name': name, 'thing-name-sig': signature, CSR: csr })
    return await timed(() => post(json.provisionUrl, {}, body))
  }
  const throughContract = async (name: string) => {
    const { csr } = await makeDeviceKey(name)
    const payload = { sub: name, aud: json.audience, csr: csrMember(csr) }
    const body = compact(await signRequest(own.key, payload))
    return await timed(() => post(json.landfallUrl, { 'Content-Type': 'application/jose' }, body))
  }
  const world = {
    awsEndpointUrl: json.awsEndpointUrl,
    credentials,
    geoUrl,
    region,
    dynamodbRegion: json.dynamodbRegion,
    table: json.allowListTable,
    policyName: 'LandfallDevice',
  }
  const throughSeed = async (name: string) => {
    const { csr } = await makeDeviceKey(name)
    return await timed(() => provisionAsTheSeed(world, name, csr))
  }

  // Warm both: connections, credentials, the shared policy, and code that V8 has compiled.
  await control(json.controlUrl, 'PUT', '/quotas', { perSecond: null })
  for (let round = 0; round < warmRounds; round += 1) {
    await allowAll(`warm${round}`)
    await throughLandfall(`lwarm${round}`)
    await throughContract(`cwarm${round}`)
    await throughSeed(`swarm${round}`)
  }
  await plantDelays(json.controlUrl)
  const figures: Figures = { landfall: [], contract: [], seed: [] }
  for (let round = 0; round < rounds; round += 1) {
    await allowAll(String(round))
    figures.landfall.push(await throughLandfall(`l${round}`))
    figures.contract.push(await throughContract(`c${round}`))
    figures.seed.push(await throughSeed(`s${round}`))
    if (process.stderr.isTTY) process.stderr.write(`\r${round + 1} of ${rounds} rounds `)
    await sleep(20)
  }
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  return figures
}

async function plantDelays(controlUrl: string): Promise<void> {
  for (const [service, delayMs] of [
    ['iot', delays.regionMs],
    ['sts', delays.regionMs],
    ['dynamodb', delays.tableMs],
  ]) {
    await control(controlUrl, 'POST', '/faults', { service, kind: 'delay', delayMs, times: null })
  }
}

async function control(url: string, method: string, path: string, body: unknown): Promise<void> {
  const answer = await fetch(`${url}${path}`, { method, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(await answer.text())
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

function report(figures: Figures): void {
  const summary = (side: keyof Figures) => ({
    floorMs: floors[side],
    medianMs: Math.round(median(figures[side]) * 10) / 10,
    p95Ms: Math.round(quantile(figures[side], 0.95) * 10) / 10,
  })
  const landfall = summary('landfall')
  const contract = summary('contract')
  const seed = summary('seed')
  const ratio = Math.round((seed.medianMs / landfall.medianMs) * 100) / 100
  if (flags.json) {
    console.log(JSON.stringify({ rounds, delays, landfall, contract, seed, ratio, aims }))
    return
  }
  console.log(`One provisioning with a CSR, warm, ${rounds} rounds in turns`)
  console.log(
    `added: ${delays.regionMs} ms to each IoT and STS call, ${delays.tableMs} ms to each DynamoDB call, ${delays.geoMs} ms to the outside geo lookup\n`,
  )
  console.log('                   floor    median       p95')
  for (const [name, it] of [
    ['Landfall', landfall],
    ['its own contract', contract],
    ["seed's sequence", seed],
  ] as const) {
    const cells = [it.floorMs, it.medianMs, it.p95Ms].map((ms) => `${ms} ms`.padStart(9))
    console.log(`${name.padEnd(16)} ${cells.join(' ')}`)
  }
  const met = (holds: boolean) => (holds ? 'met' : 'missed')
  console.log(
    `\nratio of the medians: ${ratio} (aim: at least ${aims.ratio}, ${met(ratio >= aims.ratio)})`,
  )
  console.log(
    `Landfall's median: ${landfall.medianMs} ms (aim: at most ${aims.landfallMedianMs} ms, ${met(landfall.medianMs <= aims.landfallMedianMs)})`,
  )
}
