import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { ConfigError, type EdgeConfig, parseConfig } from './config.ts'

/** Beside the code in a Lambda's package: its environment holds 4 KB at most, too little for many regions. */
const packedFile = 'landfall.json'

/**
 * A Lambda's configuration: JSON, from the file that LANDFALL_CONFIG_FILE names, else `landfall.json` in
 * the working directory (on Lambda /var/task). Throws ConfigError; each of its problems names the file.
 */
export async function readLambdaConfig(environment: {
  readonly LANDFALL_CONFIG_FILE?: string | undefined
  readonly AWS_REGION?: string | undefined
}): Promise<EdgeConfig> {
  const file = resolve(environment.LANDFALL_CONFIG_FILE ?? packedFile)
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError([
      `${file}: can’t be read (${error.code}); pack ${packedFile} beside the code, as stacks/ does, or name the file in LANDFALL_CONFIG_FILE`,
    ])
  })
  try {
    return parseConfig(parseJson(text), environment.AWS_REGION)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new ConfigError(error.problems.map((it) => `${file}: ${it}`))
  }
}

/** The parser's own message would quote the file. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ConfigError(['is no JSON; write it as JSON, not as YAML'])
  }
}
