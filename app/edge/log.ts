import { type DestinationStream, type Logger, pino } from 'pino'
import type { EdgeConfig } from './config.ts'

/** One JSON object a line, for the edge and the sweeper alike; default: stdout. */
export function createLog(
  config: Pick<EdgeConfig, 'logLevel'>,
  destination?: DestinationStream,
): Logger {
  const options = {
    level: config.logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}
