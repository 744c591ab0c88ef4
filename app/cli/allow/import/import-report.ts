import { CommandFailure, errorMessage } from '../../failure.ts'
import type { CommandContext } from '../../program.ts'
import { shellWord } from '../../shell-word.ts'
import type { ImportFlags } from './command.ts'
import { count, inTime } from './import-progress.ts'
import type { Imported, Tally } from './import-rows.ts'
import { useAnotherFile } from './rejects-file.ts'

/** All rows but those that were rejected are in the list. */
const exitWithRejects = 3

type Ended = {
  readonly path: string
  readonly flags: ImportFlags
  readonly tally: Tally
  readonly imported: Imported
  readonly seconds: number
  readonly rejectsFile: string | undefined
}

/** Says what was done; throws where that isn't all of it. */
export function report(ended: Ended, { terminal }: CommandContext): void {
  const { path, flags, tally, imported, seconds } = ended
  const rejectsFile = tally.rejected > 0 ? ended.rejectsFile : undefined
  if (flags.json === true) {
    const { nextLine = null } = imported
    const dryRun = flags.dryRun === true
    const rounded = Math.round(seconds * 1000) / 1000
    terminal.json({
      ...tally,
      seconds: rounded,
      dryRun,
      nextLine,
      rejectsFile: rejectsFile ?? null,
    })
  } else terminal.out(inWords(ended))

  const { failure, nextLine } = imported
  if (nextLine !== undefined) {
    // Without it the rest would have rejects of its own, and the earlier ones would be forgotten.
    const isFull = failure instanceof CommandFailure && failure.hint === useAnotherFile
    const option = rejectsFile === undefined || isFull ? '' : ` --rejects ${shellWord(rejectsFile)}`
    const told = rejectsFile === undefined ? '' : `; rejected rows are in ${rejectsFile}`
    const again = `--from-line ${nextLine}${option} goes on there; without it rows that are there are passed over, too`
    if (failure === undefined) {
      const message = `stopped at a row boundary, before line ${nextLine} of ${nameOf(path)}${told}`
      throw new CommandFailure(message, { hint: again })
    }
    const hint = failure instanceof CommandFailure && failure.hint ? `${failure.hint}; then ` : ''
    const message = `${errorMessage(failure)}; every row before line ${nextLine} is done${told}`
    throw new CommandFailure(message, { hint: `${hint}${again}`, cause: failure })
  }
  if (tally.rejected > 0) {
    const where = rejectsFile === undefined ? '' : `: see ${rejectsFile}`
    const rows = tally.rejected === 1 ? '1 row was' : `${count(tally.rejected)} rows were`
    throw new CommandFailure(`${rows} rejected${where}`, {
      hint:
        rejectsFile === undefined
          ? 'with --rejects FILE a dry run writes all of them there'
          : 'correct them there, and import that file',
      exitCode: exitWithRejects,
    })
  }
}

function inWords({ flags, tally, seconds }: Ended): string {
  const would = flags.dryRun === true
  const parts = [
    [tally.added, would ? 'would be added' : 'added'],
    [tally.amended, would ? 'would be changed' : 'changed'],
    [tally.present, 'in the list already: left as they are'],
    [tally.same, 'in the list as the file has them'],
    [tally.kept, 'claimed, provisioned or blocked: left as they are'],
    [tally.rejected, 'rejected'],
  ] as const
  const told = parts.filter(([number, what]) => number > 0 || what === parts[0][1])
  const rate = count(Math.round(tally.rows / Math.max(seconds, 0.001)))
  const rows = tally.rows === 1 ? '1 row' : `${count(tally.rows)} rows`
  const listed = told.map(([number, what]) => `${count(number)} ${what}`).join('; ')
  return `${rows} in ${inTime(seconds)} (${rate}/s): ${listed}`
}

export function nameOf(path: string): string {
  return path === '-' ? 'stdin' : path
}
