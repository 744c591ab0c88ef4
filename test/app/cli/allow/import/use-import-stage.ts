import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { type Stage, setStage } from '../../../../stage.ts'
import { writeStageJson } from '../../../../stage-json.ts'
import { runHere } from '../../run-here.ts'

/** What imports are tried on; it stands while the file's tests run, whose hooks come after these. */
export function useImportStage(regions: readonly string[]) {
  const on = { stage: undefined as unknown as Stage, folder: '', localJson: '' }
  let files = 0

  beforeAll(async () => {
    on.stage = await setStage(regions)
    on.folder = await mkdtemp(join(tmpdir(), 'landfall-import-'))
    on.localJson = await writeStageJson(on.stage, on.folder)
  })
  afterEach(() => on.stage.clearFaults())
  afterAll(async () => {
    await on.stage?.close()
    await rm(on.folder, { recursive: true, force: true })
  })

  return {
    on,
    /** Writes a file of rows. */
    async fleet(content: string, suffix = '.csv'): Promise<string> {
      files += 1
      const path = join(on.folder, `fleet-${files}${suffix}`)
      await writeFile(path, content)
      return path
    },
    importFile: (path: string, ...flags: string[]) =>
      runHere(['allow', 'import', path, '--local', on.localJson, ...flags]),
  }
}

export const rejectsOf = (path: string) => path.replace(/\.csv$/, '.rejects.csv')
