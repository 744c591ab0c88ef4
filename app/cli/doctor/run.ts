import { request } from 'undici'
import { loadLocation } from '../../../regions/load-location.ts'
import { CommandFailure, misuse } from '../failure.ts'
import type { CommandContext } from '../program.ts'
import { checkAccount } from './account-checks.ts'
import { type Check, check } from './check.ts'
import type { DoctorFlags } from './command.ts'
import { checkRegions } from './region-checks.ts'
import { checkRouterKeys } from './router-key-check.ts'
import { type DoctorSetup, readSetup } from './setup.ts'
import { checkTables } from './table-checks.ts'

const EDGE_MS = 5_000
/** Trinity College Dublin's, since 1989. */
const KNOWN_ADDRESS = '134.226.1.1'

/** `landfall doctor`: a line for each check, exit 1 where one fails. */
export async function runDoctor(flags: DoctorFlags, context: CommandContext): Promise<void> {
  const { terminal } = context
  const checks = await examine(flags, context)
  const failed = checks.filter((it) => !it.ok)
  if (flags.json === true) terminal.json({ ok: failed.length === 0, checks })
  else {
    const width = Math.max(...checks.map((it) => it.check.length))
    for (const it of checks) {
      const mark = it.ok ? terminal.paint('green', '✓') : terminal.paint('red', '✗')
      terminal.out(`${mark} ${it.check.padEnd(width)}  ${it.detail}`)
      if (it.remedy !== undefined) terminal.out(`  ${' '.repeat(width)}  → ${it.remedy}`)
    }
  }
  if (failed.length > 0) {
    throw new CommandFailure(`${failed.length} of ${checks.length} checks failed`)
  }
}

async function examine(flags: DoctorFlags, { env }: CommandContext): Promise<Check[]> {
  if (flags.config === undefined && flags.local === undefined) {
    throw misuse('nothing to look at', 'give --config FILE or --local FILE')
  }
  let setup: DoctorSetup | undefined
  const configuration = await check('configuration', 'correct the configuration', async () => {
    setup = await readSetup(flags, env)
    return `${setup.configFile}: ${setup.config.deviceRegions.length} regions`
  })
  if (setup === undefined) return [configuration]
  const groups = await Promise.all([
    checkAccount(setup),
    checkTables(setup),
    checkRegions(setup),
    checkRouterKeys(setup),
    checkLocation(setup),
    checkEdge(setup),
  ])
  return [configuration, ...groups.flat()]
}

/** The configuration's table, or geoip-lite where it names none. */
async function checkLocation({ config }: DoctorSetup): Promise<Check[]> {
  return [
    await check('location data', 'make the table again: npm run geo:build', async () => {
      const { locate, source, date } = await loadLocation(config.locationFile)
      if (locate(KNOWN_ADDRESS)?.country !== 'IE')
        throw new CommandFailure(`${KNOWN_ADDRESS} isn’t found in Ireland`)
      return `${source} of ${date} finds ${KNOWN_ADDRESS} in IE`
    }),
  ]
}

/** A running edge says itself whether it can read its table. */
async function checkEdge({ provisionUrl }: DoctorSetup): Promise<Check[]> {
  if (provisionUrl === undefined) return []
  const url = new URL('/healthz', provisionUrl).href
  return [
    await check('edge', 'start it: npx landfall local', async () => {
      const signal = AbortSignal.timeout(EDGE_MS)
      const { statusCode, body } = await request(url, { signal })
      await body.dump()
      if (statusCode !== 200) {
        throw new CommandFailure(`${url} answers ${statusCode}`, { hint: 'see the edge’s log' })
      }
      return `${url} answers ${statusCode}`
    }),
  ]
}
