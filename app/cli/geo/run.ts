import type { CommandContext } from '../program.ts'
import { buildFailure, buildLocationTable } from './build.ts'
import type { GeoBuildFlags } from './command.ts'

/** `landfall geo build`. */
export async function runGeoBuild(flags: GeoBuildFlags, context: CommandContext): Promise<void> {
  const { terminal } = context
  const options = {
    file: flags.output,
    source: flags.source,
    maxAgeMonths: flags.maxAgeMonths,
    allowStale: flags.allowStale === true,
  }
  const built = await buildLocationTable(options, context).catch((error: unknown) => {
    throw buildFailure(error)
  })
  if (flags.json === true) {
    terminal.json({ ...built, seconds: Number(built.seconds.toFixed(1)) })
    return
  }
  const count = (value: number) => value.toLocaleString('en')
  const megabytes = (built.bytes / 1e6).toFixed(1)
  terminal.out(`${built.file}: ${megabytes} MB, made in ${built.seconds.toFixed(1)} s`)
  terminal.out(`${built.packages}, data of ${built.date}`)
  terminal.out(
    `${count(built.rows4)} IPv4 rows, ${count(built.rows6)} IPv6 rows, ${count(built.places)} places`,
  )
  terminal.out(built.attribution)
}
