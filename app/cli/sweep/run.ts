import type { SweepReport } from '../../provisioning/sweep-report.ts'
import { isComplete } from '../../provisioning/sweep-report.ts'
import type { SweepStep } from '../../provisioning/sweep-run.ts'
import { openSweeper, regionsWithoutSweeper } from '../../sweeper/open-sweeper.ts'
import { awsFailure } from '../aws-failure.ts'
import { readConfigFile } from '../config-file.ts'
import { CommandFailure, misuse } from '../failure.ts'
import { readLocalJson } from '../local/local-json.ts'
import type { CommandContext } from '../program.ts'
import type { SweepFlags } from './command.ts'
import { showReport } from './show-report.ts'

const LEAST_AGE_SECONDS = 15 * 60
const PHASES: Readonly<Record<SweepStep['doing'], string>> = {
  listing: 'Listing certificates',
  scanning: 'Reading the allow-list',
  repairing: 'Repairing records',
  looking: 'Looking at things',
  judging: 'Judging certificates',
  marking: 'Noting how far it got',
}

/** `landfall sweep`: exit 1 where a region failed or more was to be destroyed than one run may. */
export async function runSweep(flags: SweepFlags, context: CommandContext): Promise<void> {
  const { terminal } = context
  if (flags.olderThan < LEAST_AGE_SECONDS && flags.allowYoung !== true) {
    throw misuse(
      '--older-than is less than 15m',
      'an attempt may still be working on what is young',
    )
  }
  if (flags.dryRun !== true) context.changes()
  const { config, clientConfig } = await readSetup(flags, context)
  const wanted = flags.region
  const unknown = wanted?.filter((it) => config.deviceRegions.every((row) => row.region !== it))
  if (unknown !== undefined && unknown.length > 0) {
    throw misuse(`not in the configuration: ${unknown.join(', ')}`, 'see deviceRegions')
  }
  const closed = regionsWithoutSweeper(config, wanted)
  const sweeper = openSweeper(config, { ...(wanted === undefined ? {} : { wanted }), clientConfig })
  const progress = terminal.progress(Object.keys(PHASES).length)
  let phase = ''
  let report: SweepReport
  try {
    report = await sweeper.run(
      {
        ...(flags.since === undefined ? {} : { since: flags.since }),
        olderThanSeconds: flags.olderThan,
        maxDestroy: flags.maxDestroy,
        dryRun: flags.dryRun === true,
        absentToo: flags.absentToo === true,
        thorough: flags.thorough === true,
      },
      {
        signal: context.signal,
        onProgress(step) {
          const text = PHASES[step.doing]
          if (text !== phase) progress.step(`${text} …`)
          phase = text
          progress.update(describeStep(text, step))
        },
      },
    )
  } catch (error) {
    if (context.signal.aborted) {
      throw new CommandFailure('interrupted; what was done stands', { hint: 'sweep again' })
    }
    throw awsFailure('the sweep ended early', error)
  } finally {
    progress.finish()
    sweeper.close()
  }
  if (flags.json === true) terminal.json({ ...report, complete: isComplete(report), closed })
  else showReport(report, terminal)
  finish(report, closed)
}

async function readSetup(flags: SweepFlags, { env }: CommandContext) {
  if (flags.local !== undefined) {
    const local = await readLocalJson(flags.local)
    const { accessKeyId, secretAccessKey } = local
    return {
      config: await readConfigFile(flags.config ?? local.edgeConfigFile, env),
      clientConfig: {
        endpoint: local.awsEndpointUrl,
        credentials: { accessKeyId, secretAccessKey },
      },
    }
  }
  if (flags.config === undefined) {
    throw misuse('nothing to sweep', 'give --config FILE or --local FILE')
  }
  return { config: await readConfigFile(flags.config, env), clientConfig: {} }
}

function describeStep(text: string, { region, done, total }: SweepStep): string {
  const where = region === undefined ? '' : ` in ${region}`
  return total === undefined ? `${text}${where} …` : `${text}${where}: ${done} of ${total}`
}

function finish(report: SweepReport, closed: readonly string[]): void {
  const failures = [...report.failures, ...report.regions.flatMap((it) => it.failures)]
  if (failures.length > 0) {
    throw new CommandFailure(`not all of it could be swept: ${failures[0]}`, {
      hint: 'sweep again: what was done stands',
    })
  }
  if (report.capped) {
    throw new CommandFailure('more is to be destroyed than --max-destroy allows', {
      hint: 'look at what was destroyed; then sweep again, or give a greater --max-destroy',
    })
  }
  if (closed.length > 0) {
    throw new CommandFailure(`not swept, as they have no sweeperRoleArn: ${closed.join(', ')}`, {
      hint: 'add it to the configuration, or name the others with --region',
    })
  }
}
