import type { LambdaContext } from 'hono/aws-lambda'
import * as z from 'zod'
import { readLambdaConfig } from '../edge/lambda-config.ts'
import { createLog } from '../edge/log.ts'
import { describeError } from '../edge/request-log.ts'
import { isComplete } from '../provisioning/sweep-report.ts'
import { openSweeper, regionsWithoutSweeper } from './open-sweeper.ts'
import { logSweep } from './sweep-log.ts'

/** The schedule's input: what `landfall sweep` takes as flags. An empty event sweeps by the defaults. */
const eventSchema = z.object({
  olderThanSeconds: z.number().min(900).default(3600),
  maxDestroy: z.int().nonnegative().default(100),
  thorough: z.boolean().default(false),
  dryRun: z.boolean().default(false),
})

/** Left to write the log and to end, before Lambda's own hard stop. */
const reserveSeconds = 10

const config = await readLambdaConfig(process.env)
const log = createLog(config)
const closed = regionsWithoutSweeper(config)
if (closed.length > 0) log.warn({ regions: closed }, 'not swept: no sweeperRoleArn')
const sweeper = openSweeper(config)

/**
 * The scheduled sweep. Throws where it wasn't complete, so that the invocation counts as failed; the
 * schedule needs no retries, as the next sweep goes on from what stands.
 */
export async function handler(
  event: unknown,
  context: Pick<LambdaContext, 'getRemainingTimeInMillis'>,
): Promise<{ complete: boolean }> {
  const options = eventSchema.parse(event ?? {})
  const seconds = context.getRemainingTimeInMillis() / 1000 - reserveSeconds
  const signal = AbortSignal.timeout(Math.max(0, Math.round(seconds * 1000)))
  try {
    const report = await sweeper.run(
      { ...options, absentToo: false },
      { signal, onProgress: () => {} },
    )
    logSweep(log, config.metricsNamespace, report)
    if (!isComplete(report)) throw new Error('the sweep was not complete: see the log')
    return { complete: true }
  } catch (error) {
    if (signal.aborted) log.error('the sweep ran out of time; the next one goes on')
    else log.error({ error: describeError(error) }, 'the sweep failed')
    throw error
  }
}
