import type { Terminal } from '../../terminal.ts'
import type { RejectsFile } from './rejects-file.ts'

/** Further ones of a large file would only scroll the first away. */
const mostNotes = 10

/** For a dry run, which writes no file of its own accord: the first rejects, told as they are found. */
export function rejectNotes(terminal: Pick<Terminal, 'note'>): Pick<RejectsFile, 'add'> {
  let told = 0
  return {
    async add({ line }, reason) {
      told += 1
      if (told <= mostNotes) terminal.note(`line ${line}: ${reason}`)
      else if (told === mostNotes + 1) terminal.note('and so on')
    },
  }
}
