import { ConfigError, type EdgeConfig, parseConfig } from '../edge/config.ts'
import { CommandFailure } from './failure.ts'
import { readInput } from './input-file.ts'
import type { CommandContext } from './program.ts'

/** Reads an edge's configuration as the edge does: the file may leave its region to the environment. */
export async function readConfigFile(
  path: string,
  env: CommandContext['env'],
): Promise<EdgeConfig> {
  const { parse, YAMLParseError } = await import('yaml')
  const text = await readInput(path, 'configuration')
  try {
    const document: unknown = parse(text)
    if (typeof document !== 'object' || document === null) throw new ConfigError(['is no mapping'])
    return parseConfig(document, env.AWS_REGION)
  } catch (error) {
    const hint = `correct ${path}; docs/configuration.md describes every field`
    if (error instanceof ConfigError) {
      throw new CommandFailure(error.problems.join('; '), { hint, cause: error })
    }
    if (error instanceof YAMLParseError) {
      throw new CommandFailure(`no YAML or JSON: ${error.message.split('\n')[0]}`, {
        hint,
        cause: error,
      })
    }
    throw error
  }
}
