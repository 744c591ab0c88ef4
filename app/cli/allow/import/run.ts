import { awsHttpHandler } from '../../../../regions/aws-http.ts'
import { dynamoAllowList } from '../../../allowlist/dynamo-allow-list.ts'
import { readProducts } from '../../../products/control-table.ts'
import { type AwsFlags, openAws } from '../../aws-flags.ts'
import { nameCaller } from '../../caller.ts'
import { readConfigFile } from '../../config-file.ts'
import { CommandFailure } from '../../failure.ts'
import { readLocalJson } from '../../local/local-json.ts'
import { defaultControlTable, onAws } from '../../product/control-access.ts'
import { readDeployment } from '../../product/deployment.ts'
import type { CommandContext } from '../../program.ts'
import type { RowRules } from './check-row.ts'
import type { ImportFlags } from './command.ts'
import { openCsv } from './csv-rows.ts'
import { showProgress } from './import-progress.ts'
import { nameOf, report } from './import-report.ts'
import { freshTally, type Imported, importRows } from './import-rows.ts'
import { ndjsonRows } from './ndjson-rows.ts'
import { rejectNotes } from './reject-notes.ts'
import { openRejects } from './rejects-file.ts'
import { rowReader, rowWriter } from './row-writer.ts'
import { openTextSource, type TextSource } from './text-source.ts'

/** `landfall allow import`: a fleet from a file, row by row, into the allow-list. */
export async function importFleet(
  path: string,
  flags: ImportFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal, signal } = context
  if (flags.dryRun !== true) context.changes()
  const where = await findWhere(flags, context)
  const { rules, by } = await readRules(where, flags.update === true, context)
  const { source, csv } = await openFleet(path, signal)
  const aws = await openAws(where, {
    requestHandler: awsHttpHandler({
      connectSeconds: 5,
      requestSeconds: 15,
      connections: flags.parallel,
    }),
    // Throttling decides the pace, and a lost answer what the next try has to look at: see importRows.
    maxAttempts: 1,
    // The same command over and over.
    cacheMiddleware: true,
  })
  try {
    const given = { input: path, path: flags.rejects, goesOn: flags.fromLine > 1 }
    const isTold = flags.dryRun === true && flags.rejects === undefined
    const rejects = isTold ? undefined : await openRejects(given, csv?.shape)
    const tally = freshTally()
    const startedAt = performance.now()
    const progress = showProgress(terminal, { ...source, tally, everySeconds: flags.progress })
    let imported: Imported
    try {
      const deps = {
        allowList: dynamoAllowList({ client: aws.dynamodb, table: aws.table }),
        by,
        rules,
      }
      imported = await importRows({
        rows: csv?.rows ?? ndjsonRows(path, source),
        rules,
        writer: flags.dryRun === true ? rowReader(deps) : rowWriter(deps),
        rejects: rejects ?? rejectNotes(terminal),
        parallel: flags.parallel,
        fromLine: flags.fromLine,
        signal,
        tally,
      })
    } finally {
      progress.finish()
      await rejects?.close()
    }
    const seconds = (performance.now() - startedAt) / 1000
    report({ path, flags, tally, imported, seconds, rejectsFile: rejects?.path }, context)
  } finally {
    source.close()
    aws.dynamodb.destroy()
  }
}

/** The source, and the columns of one that is CSV; at Ctrl-C it ends whatever it waits for. */
async function openFleet(path: string, signal: AbortSignal) {
  let source: TextSource | undefined
  try {
    source = await openTextSource(path, signal)
    return { source, csv: source.kind === 'csv' ? await openCsv(path, source) : undefined }
  } catch (error) {
    source?.close()
    if (!signal.aborted) throw error
    throw new CommandFailure(`stopped before the first row of ${nameOf(path)}`, { cause: error })
  }
}

type Where = AwsFlags & {
  readonly controlTable: string
  readonly enabledRegions: readonly string[]
}

/** Flags go before the configuration, and that before local.json. */
async function findWhere(flags: ImportFlags, { env }: CommandContext): Promise<Where> {
  const local = flags.local === undefined ? undefined : await readLocalJson(flags.local)
  const config = flags.config === undefined ? undefined : await readConfigFile(flags.config, env)
  const region = flags.region ?? config?.region
  const table = flags.table ?? config?.tables.allowList
  const { enabledRegions } = await readDeployment(flags, env)
  return {
    ...flags,
    ...(region === undefined ? {} : { region }),
    ...(table === undefined ? {} : { table }),
    enabledRegions,
    controlTable:
      flags.controlTable ?? config?.tables.control ?? local?.controlTable ?? defaultControlTable,
  }
}

/** What rows are held to, and who imports. */
async function readRules(where: Where, update: boolean, context: CommandContext) {
  const aws = await openAws(where)
  const { controlTable, enabledRegions } = where
  try {
    const { products, problems } = await onAws(
      `the products in ${controlTable} can’t be read`,
      () => readProducts(aws.dynamodb, controlTable, context.signal),
    )
    for (const problem of problems) context.terminal.note(`warning: ${problem}`)
    const rules: RowRules = { products, enabledRegions, update }
    return { rules, by: await nameCaller(aws, context) }
  } finally {
    aws.dynamodb.destroy()
  }
}
