import { Writable } from 'node:stream'
import { CommandFailure } from '../../../app/cli/failure.ts'
import { buildProgram, runProgram } from '../../../app/cli/program.ts'
import { createTerminal } from '../../../app/cli/terminal.ts'
import { type Run, withoutSecrets } from './run-landfall.ts'

/**
 * Runs `landfall …` in this process, for tests of many commands: a process each takes far longer than
 * the command. What only a process has (exit codes, signals, pipes) is tested by `landfall`.
 */
export async function runHere(
  args: readonly string[],
  signal: AbortSignal = AbortSignal.timeout(60_000),
): Promise<Run> {
  const [stdout, stderr] = [collect(), collect()]
  const terminal = createTerminal({ stdin: {}, stdout: stdout.stream, stderr: stderr.stream })
  try {
    await runProgram(buildProgram({ terminal, env: {}, signal, changes: () => {} }), [...args])
    return withoutSecrets({ code: 0, stdout: stdout.text(), stderr: stderr.text() })
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error
    terminal.failure(error.message, error.hint)
    return withoutSecrets({ code: error.exitCode, stdout: stdout.text(), stderr: stderr.text() })
  }
}

function collect() {
  const chunks: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk))
      done()
    },
  })
  return { stream, text: () => chunks.join('') }
}
