import { CommandFailure } from '../failure.ts'
import type { CommandContext } from '../program.ts'
import type { CheckFlags } from './command.ts'
import { readDeployment } from './deployment.ts'
import { describeProblem, readDocumentFile, wrongDocument } from './document-file.ts'
import { findMismatches, summary } from './summary.ts'
import { describeFailure, describePassed, runTests } from './tests.ts'

/** `landfall product check`: every problem at once, then the document's own tests. Writes nothing. */
export async function checkProduct(
  path: string,
  flags: CheckFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal, env } = context
  const deployment = await readDeployment(flags, env)
  const { product, problems } = await readDocumentFile(path)
  if (product === undefined) {
    if (flags.json === true) terminal.json({ ok: false, problems, tests: [] })
    else for (const problem of problems) terminal.out(describeProblem(path, problem))
    throw wrongDocument(path, problems.length)
  }
  const results = await runTests(product, deployment, context)
  const failed = results.filter((it) => it.problem !== undefined)
  const notes = findMismatches(product, deployment)
  const ok = failed.length === 0
  if (flags.json === true) {
    terminal.json({ ok, product: product.name, problems, tests: results, notes })
  } else {
    terminal.out(`${path}: ${summary(product)}`)
    terminal.out(`enabled regions: ${deployment.enabledRegions.length}, ${deployment.regionsFrom}`)
    for (const note of notes) terminal.out(`note: ${note}`)
    for (const it of failed) terminal.out(describeFailure(it))
    if (ok) terminal.out(describePassed(results))
  }
  if (!ok) throw failedTests(failed.length, results.length)
}

export function failedTests(failed: number, all: number): CommandFailure {
  return new CommandFailure(`${failed} of ${all} ${all === 1 ? 'test' : 'tests'} failed`, {
    hint: 'landfall product explain shows what decides for a device',
  })
}
