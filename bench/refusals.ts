/**
 * What the time of a refusal tells: an unknown thing name against a wrong signature for one that is in
 * the allow-list, in pairs in random order in one run, through a real edge. The effect size is Vargha and
 * Delaney's A12: the chance that one of the first kind takes longer than one of the second; 0.5 tells
 * nothing. Run with `npm run bench:refusals`; `--pairs N`, `--json`.
 */

import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { makeDeviceKey } from '../test/device-key.ts'
import { compact, csrMember, makeSigningKey, signRequest } from '../test/landfall-request.ts'
import { type EdgeProcess, setStage } from '../test/stage.ts'
import { median, varghaDelaney } from './statistics.ts'

const aim = 0.03
const names = 100
const warmPairs = 300
const kid = 'fleet-2026'

const { values: flags } = parseArgs({
  options: {
    pairs: { type: 'string', default: '5000' },
    json: { type: 'boolean', default: false },
  },
})
const pairs = Number(flags.pairs)
if (!Number.isInteger(pairs) || pairs < 1) {
  process.stderr.write('error: --pairs must be a whole number from 1\n')
  process.exit(2)
}

type Figures = { unknown: number[]; wrong: number[] }
const longKid = 'fleet-rsa'
const paths = {
  'own key': { header: {}, known: 'own', stranger: makeSigningKey() },
  'product’s signer': { header: { kid }, known: 'of-product', stranger: makeSigningKey() },
  // As `landfall keys new --type PS256` makes them.
  'RSA-3072 signer': {
    header: { kid: longKid, alg: 'PS256' },
    known: 'of-product',
    stranger: makeSigningKey('RSA', 3072),
  },
} as const

const stage = await setStage(['eu-west-1'])
try {
  const fleet = makeSigningKey()
  const contracts = ['landfall']
  const long = makeSigningKey('RSA', 3072)
  await stage.changeProduct({
    signers: [
      { kid, contracts, jwk: fleet.jwk },
      { kid: longKid, contracts, jwk: long.jwk },
    ],
  })
  for (let n = 0; n < names; n += 1) {
    await stage.allowDevice(`own-${n}`, { publicKey: makeSigningKey().jwk })
    await stage.allow(`of-product-${n}`)
  }
  const edge = await stage.startEdge({ productRefreshSeconds: 3600, logLevel: 'error' })
  const measured = []
  for (const [path, asking] of Object.entries(paths)) {
    measured.push({ path, ...(await measure(edge, asking)) })
  }
  report(measured)
} finally {
  await stage.close()
}

/** Both kinds are signed by the same stranger, and their names are as long as one another. */
async function measure(edge: EdgeProcess, asking: (typeof paths)[keyof typeof paths]) {
  const { header, known, stranger } = asking
  const csr = csrMember((await makeDeviceKey('any')).csr)
  const sign = async (sub: string) => compact(await signRequest(stranger.key, { sub, csr }, header))
  const figures: Figures = { unknown: [], wrong: [] }
  for (let pair = -warmPairs; pair < pairs; pair += 1) {
    const n = randomInt(names)
    const kinds = [
      ['unknown', await sign(`${known.replaceAll(/[a-z]/g, 'x')}-${n}`)],
      ['wrong', await sign(`${known}-${n}`)],
    ] as const
    for (const [kind, body] of randomInt(2) === 0 ? kinds : kinds.toReversed()) {
      const milliseconds = await refusal(edge, body)
      if (pair >= 0) figures[kind].push(milliseconds)
    }
    if (process.stderr.isTTY && pair % 100 === 0) process.stderr.write(`\r${pair} of ${pairs} `)
  }
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  return {
    unknownMs: median(figures.unknown),
    wrongMs: median(figures.wrong),
    a12: varghaDelaney(figures.unknown, figures.wrong),
  }
}

async function refusal(edge: EdgeProcess, body: string): Promise<number> {
  const startedAt = performance.now()
  const answer = await fetch(`${edge.url}/v1/provision`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/jose' },
    body,
  })
  const text = await answer.text()
  const milliseconds = performance.now() - startedAt
  if (answer.status !== 403 || !text.includes('not-authorized')) {
    throw new Error(`answered ${answer.status}: ${text}`)
  }
  return milliseconds
}

function report(measured: ({ path: string } & Awaited<ReturnType<typeof measure>>)[]): void {
  const missed = measured.filter(({ a12 }) => Math.abs(a12 - 0.5) > aim)
  if (flags.json) console.log(JSON.stringify({ pairs, aim, measured }))
  else {
    console.log(`${pairs} pairs of refusals each, in random order, one after the other\n`)
    console.log('signed by way of   unknown name  wrong signature     A12')
    for (const { path, unknownMs, wrongMs, a12 } of measured) {
      const cells = [
        `${unknownMs.toFixed(2)} ms`.padStart(12),
        `${wrongMs.toFixed(2)} ms`.padStart(16),
      ]
      console.log(`${path.padEnd(18)} ${cells.join(' ')} ${a12.toFixed(3).padStart(7)}`)
    }
    console.log(`\n|A12 − 0.5| at most ${aim}: ${missed.length === 0 ? 'met' : 'missed'}`)
  }
  if (missed.length > 0) process.exitCode = 1
}
