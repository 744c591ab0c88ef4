import { patientReader } from '../../allowlist/patient-reader.ts'
import type { TableSource } from '../../allowlist/table-pages.ts'
import { awsFailure } from '../aws-failure.ts'
import { type AwsFlags, openAws } from '../aws-flags.ts'
import { CommandFailure, errorMessage } from '../failure.ts'
import type { CommandContext } from '../program.ts'

/** The allow-list that the flags name, for long reads. Close it in the end. */
export async function openTableSource(
  flags: AwsFlags,
  { terminal, signal }: CommandContext,
): Promise<TableSource & { close(): void }> {
  const { dynamodb: client, table } = await openAws(flags)
  const read = patientReader({
    signal,
    onWait: (seconds, error) =>
      terminal.note(`note: ${errorMessage(error)}: asking again in ${seconds} s`),
  })
  return { client, table, signal, read, close: () => client.destroy() }
}

/** A failure of a long read, as the command's. */
export function readFailure({ table }: TableSource, error: unknown): CommandFailure {
  if (error instanceof CommandFailure) return error
  if (errorMessage(error).includes('specified index')) {
    return new CommandFailure(`${table} has no such index: ${errorMessage(error)}`, {
      hint: '--scan reads the table itself; docs/storage.md has the indexes',
      cause: error,
    })
  }
  return awsFailure(`${table} can’t be read`, error)
}
