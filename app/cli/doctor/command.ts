import type { Command } from 'commander'
import type { CommandContext } from '../program.ts'

export type DoctorFlags = { config?: string; local?: string; ca?: string; json?: true }

export function doctorCommand(program: Command, context: CommandContext): void {
  program
    .command('doctor')
    .summary('say what of a deployment works, and what to do about the rest')
    .description(
      'Checks an edge’s configuration and, with the edge’s own credentials, everything it names: clock, tables, products, and each region’s role, endpoint and MQTT port. Changes nothing.',
    )
    .option('--config <file>', 'the edge’s configuration (YAML or JSON)')
    .option('--local <file>', 'local.json of `landfall local`: gives configuration and credentials')
    .option('--ca <file>', 'CA certificates (PEM) to trust for the MQTT endpoints')
    .option('--json', 'print one JSON object: { ok, checks }')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: DoctorFlags) => {
      const { runDoctor } = await import('./run.ts')
      await runDoctor(flags, context)
    })
}

const EXAMPLES = `
With --config, AWS endpoints and credentials come from the SDK's standard environment variables.

Examples:
  $ npx landfall doctor --local .landfall/local/local.json
  $ AWS_PROFILE=edge npx landfall doctor --config edge.yaml`
