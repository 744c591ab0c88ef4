import { parseArgs } from 'node:util'
import { integer } from '../../app/cli/options.ts'
import { createTerminal } from '../../app/cli/terminal.ts'
import { soak } from './fleet.ts'
import { fuzzBodies, showFuzz } from './fuzz.ts'
import { showFleet } from './show-fleet.ts'
import { sickCases } from './sick-region/cases.ts'
import { casesNamed, showCases, soakCases } from './sick-region/soak-cases.ts'

const usage = `A fleet comes up through edges that are killed and an AWS whose calls fail; then devices
arrive while regions are sick; then generated bodies come under both contracts.

Usage: npm run soak -- [fleet | regions | fuzz] [flags]

  --devices N  fleet: devices over six regions, 90 % of them with keys of their own (default 2000)
  --minutes N  fleet: give up after so many (default 5)
  --seed N     fleet: decides who asks which edge and which edge dies; not what AWS does (default 1)
               fuzz: decides all the bodies
  --case NAME  regions: only this one, several times for several:
${sickCases.map((it) => `                 ${it.name.padEnd(9)} ${it.title}`).join('\n')}
  --seconds N  regions: how long they are sick (default 60)
  --bodies N   fuzz: so many (default 200000)
  --svg FILE   regions: the last case's time line as a picture
  --json       the reports as one JSON object on stdout
  --help       this text

Without a part all of them, half an hour. The fleet's quotas are lifted: 15 certificates
a second and region would be what is measured otherwise; those of sick regions are raised.
Exit code 0: all were provisioned and every promise held; 1: not so; 2: the flags are wrong.
`

const fleetSteps = 4
const fuzzSteps = 1

async function main(): Promise<number> {
  const terminal = createTerminal(process)
  const flags = parseFlags()
  if (flags === undefined) {
    terminal.failure('the flags are wrong', 'npm run soak -- --help')
    return 2
  }
  if (flags.help) {
    process.stdout.write(usage)
    return 0
  }
  const { devices, minutes, seed, part, cases } = flags
  const runs = (it: Part) => part === undefined || part === it
  const progress = terminal.progress(
    (runs('fleet') ? fleetSteps : 0) +
      (runs('regions') ? cases.length : 0) +
      (runs('fuzz') ? fuzzSteps : 0),
  )
  const plan = { devices, minutes, seed, edges: 4, atOnce: 64, killEverySeconds: [1, 3] } as const
  const options = { sickSeconds: flags.seconds, svgFile: flags.svg }
  const run = async () => ({
    fleet: runs('fleet') ? await soak(plan, progress) : undefined,
    regions: runs('regions') ? await soakCases(cases, progress, options) : [],
    fuzz: runs('fuzz') ? await fuzzBodies({ bodies: flags.bodies, seed }, progress) : undefined,
  })
  const { fleet, regions, fuzz } = await run().finally(() => progress.finish())
  if (flags.json) terminal.json({ fleet, regions, fuzz })
  else {
    if (fleet !== undefined) showFleet(terminal, fleet)
    if (regions.length > 0) showCases(terminal, regions)
    if (fuzz !== undefined) showFuzz(terminal, fuzz)
  }
  const wrong = [
    ...(fleet?.problems ?? []),
    ...regions.flatMap((it) => [...it.problems, ...it.slow]),
    ...(fuzz?.failure === undefined ? [] : [fuzz.failure]),
  ]
  return wrong.length === 0 ? 0 : 1
}

const parts = ['fleet', 'regions', 'fuzz'] as const
type Part = (typeof parts)[number]

function isPart(text: string | undefined): text is Part | undefined {
  return text === undefined || parts.some((it) => it === text)
}

function parseFlags() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        devices: { type: 'string', default: '2000' },
        minutes: { type: 'string', default: '5' },
        seed: { type: 'string', default: '1' },
        bodies: { type: 'string', default: '200000' },
        case: { type: 'string', multiple: true, default: [] },
        seconds: { type: 'string', default: '60' },
        svg: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    const [part, ...rest] = positionals
    if (rest.length > 0 || !isPart(part)) return undefined
    return {
      ...values,
      part,
      cases: casesNamed(values.case),
      devices: integer(1, 100_000)(values.devices),
      minutes: integer(1, 1000)(values.minutes),
      bodies: integer(1, 1e9)(values.bodies),
      seed: integer(0, 1e9)(values.seed),
      seconds: integer(1, 3600)(values.seconds),
    }
  } catch {
    return undefined
  }
}

process.exitCode = await main()
