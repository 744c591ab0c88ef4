import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { LocalAwsError } from './local-aws-error.ts'

const accessKeySchema = z.strictObject({
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
})

const stateSchema = z.strictObject({
  version: z.literal(1),
  accountId: z.string().regex(/^\d{12}$/),
  /** N of the endpoint addresses 127.N.r.1. */
  instance: z.int().min(1).max(254),
  port: z.int().min(1).max(65_535),
  controlPort: z.int().min(1).max(65_535),
  /** Append-only: a region's place gives its r, which devices remember. */
  regions: z.array(z.string()).max(254),
  operator: accessKeySchema,
  edge: accessKeySchema,
  /** Base64; what session tokens are sealed with. */
  sessionSecret: z.string(),
})

/** What one machine keeps over restarts. */
export type State = z.infer<typeof stateSchema>

export type Folder = {
  readonly path: string
  /** Undefined in a new folder. */
  readonly state: State | undefined
  /** Replaces the state as a whole, or leaves the old one where it fails half way. */
  save(state: State): void
  /** Lets another process have the folder. */
  release(): void
}

/**
 * Takes the data folder for this process, making it where it isn't there. The lock is SQLite's on
 * `lock.sqlite`: the kernel drops it with the process, so that a killed one leaves nothing to clear.
 * Throws LocalAwsError where another process has it or its state can't be read.
 */
export function openFolder(path: string): Folder {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new LocalAwsError(
      'folder-unreadable',
      `the folder ${path} can't be made`,
      'give a folder that you may write to',
      { cause: error },
    )
  }
  const lock = takeLock(path)
  try {
    const state = readState(path)
    return {
      path,
      state,
      save: (next) => writeState(path, next),
      release: () => lock.close(),
    }
  } catch (error) {
    lock.close()
    throw error
  }
}

function takeLock(path: string): DatabaseSync {
  const holder = join(path, 'pid')
  const lock = new DatabaseSync(join(path, 'lock.sqlite'), { timeout: 0 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    throw new LocalAwsError(
      'folder-in-use',
      `the folder ${path} is in use by process ${readText(holder) ?? 'unknown'}`,
      'stop that process or give another folder',
      { cause: error },
    )
  }
  writeFileSync(holder, String(process.pid))
  return lock
}

function readState(path: string): State | undefined {
  const text = readText(join(path, 'state.json'))
  if (text === undefined) return undefined
  try {
    return stateSchema.parse(JSON.parse(text))
  } catch (error) {
    throw new LocalAwsError(
      'folder-unreadable',
      `${join(path, 'state.json')} is not a state that this version wrote`,
      'give another folder, or remove this one',
      { cause: error },
    )
  }
}

/** Holds secrets: mode 0600, on the disk before it takes the old one's name. */
function writeState(path: string, state: State): void {
  const next = join(path, 'state.json.next')
  const file = openSync(next, 'w', 0o600)
  try {
    chmodSync(next, 0o600)
    writeFileSync(file, `${JSON.stringify(state, null, 2)}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(next, join(path, 'state.json'))
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
