import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { z } from 'zod'

/** AWS IoT's registries are apart by account and Region: nothing is ever looked up without a scope. */
export type Scope = { readonly accountId: string; readonly region: string }

/** Documents of one kind under unique keys. Reads and writes are synchronous, so each is atomic. */
export type Collection<T> = {
  find(scope: Scope, key: string): T | undefined
  put(scope: Scope, key: string, value: T): void
  delete(scope: Scope, key: string): void
  /** All of the scope, by key. */
  list(scope: Scope): readonly T[]
  /** All of the account, for an audit: AWS itself never looks over Regions. */
  listEverywhere(accountId: string): readonly { readonly region: string; readonly value: T }[]
}

/** Links of one kind between two names, each carrying a word (or an empty one). */
export type Links = {
  put(scope: Scope, source: string, target: string, word?: string): void
  delete(scope: Scope, source: string, target: string): void
  find(scope: Scope, source: string, target: string): { readonly word: string } | undefined
  targetsOf(scope: Scope, source: string): readonly Linked[]
  sourcesOf(scope: Scope, target: string): readonly Linked[]
  /** One look into an index, however many Regions and links there are. */
  sourcesEverywhere(accountId: string, target: string): readonly LinkedSource[]
  /** All of the account, for an audit. */
  listEverywhere(accountId: string): readonly Link[]
}

export type Linked = { readonly name: string; readonly word: string }
export type LinkedSource = { readonly region: string; readonly source: string }
export type Link = LinkedSource & { readonly target: string }

const layout = `
  CREATE TABLE IF NOT EXISTS item (
    account TEXT, region TEXT, kind TEXT, key TEXT, body TEXT NOT NULL,
    PRIMARY KEY (account, region, kind, key)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS link (
    account TEXT, region TEXT, kind TEXT, source TEXT, target TEXT, word TEXT NOT NULL,
    PRIMARY KEY (account, region, kind, source, target)
  ) WITHOUT ROWID;
  DROP INDEX IF EXISTS link_by_target;
  CREATE INDEX IF NOT EXISTS link_of_target ON link (account, kind, target, region, source);
`

/**
 * What the stand-in remembers: SQLite in `folder/iot.db`, or in memory without a folder.
 * With a write-ahead log every finished write survives the end of the process, SIGKILL included;
 * only a power cut can lose the last ones (synchronous NORMAL), which spares a disk flush per call.
 */
export class IotStore {
  readonly #db: DatabaseSync

  constructor(folder?: string) {
    if (folder !== undefined) mkdirSync(folder, { recursive: true, mode: 0o700 })
    const file = folder === undefined ? ':memory:' : join(folder, 'iot.db')
    this.#db = new DatabaseSync(file)
    if (folder !== undefined) chmodSync(file, 0o600)
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;')
    this.#db.exec('PRAGMA busy_timeout = 5000;')
    this.#db.exec(layout)
  }

  /** Several writes that stand or fall together. `work` must be synchronous. */
  transaction<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      this.#db.exec('COMMIT')
      return result
    } catch (error) {
      this.#db.exec('ROLLBACK')
      throw error
    }
  }

  collection<T>(kind: string, shape: z.ZodType<T>): Collection<T> {
    const of = 'account = ? AND region = ? AND kind = ?'
    const find = this.#db.prepare(`SELECT body FROM item WHERE ${of} AND key = ?`)
    const list = this.#db.prepare(`SELECT body FROM item WHERE ${of} ORDER BY key`)
    const everywhere = this.#db.prepare(
      'SELECT region, body FROM item WHERE account = ? AND kind = ? ORDER BY region, key',
    )
    const remove = this.#db.prepare(`DELETE FROM item WHERE ${of} AND key = ?`)
    const put = this.#db.prepare('INSERT OR REPLACE INTO item VALUES (?, ?, ?, ?, ?)')
    const parse = (row: Row) => shape.parse(JSON.parse(String(row.body)))
    return {
      find({ accountId, region }, key) {
        const row = find.get(accountId, region, kind, key)
        return row && parse(row)
      },
      put({ accountId, region }, key, value) {
        put.run(accountId, region, kind, key, JSON.stringify(value))
      },
      delete({ accountId, region }, key) {
        remove.run(accountId, region, kind, key)
      },
      list: ({ accountId, region }) => list.all(accountId, region, kind).map(parse),
      listEverywhere: (accountId) =>
        everywhere
          .all(accountId, kind)
          .map((row) => ({ region: String(row.region), value: parse(row) })),
    }
  }

  links(kind: string): Links {
    const of = 'account = ? AND region = ? AND kind = ?'
    const one = `${of} AND source = ? AND target = ?`
    const find = this.#db.prepare(`SELECT source AS name, word FROM link WHERE ${one}`)
    const remove = this.#db.prepare(`DELETE FROM link WHERE ${one}`)
    const put = this.#db.prepare('INSERT OR REPLACE INTO link VALUES (?, ?, ?, ?, ?, ?)')
    const targets = this.#db.prepare(
      `SELECT target AS name, word FROM link WHERE ${of} AND source = ? ORDER BY target`,
    )
    const sources = this.#db.prepare(
      `SELECT source AS name, word FROM link WHERE ${of} AND target = ? ORDER BY source`,
    )
    const all = 'SELECT region, source, target FROM link WHERE account = ? AND kind = ?'
    const everywhere = this.#db.prepare(`${all} ORDER BY region, target, source`)
    const sourcesEverywhere = this.#db.prepare(`${all} AND target = ? ORDER BY region, source`)
    return {
      put({ accountId, region }, source, target, word = '') {
        put.run(accountId, region, kind, source, target, word)
      },
      delete({ accountId, region }, source, target) {
        remove.run(accountId, region, kind, source, target)
      },
      find({ accountId, region }, source, target) {
        const row = find.get(accountId, region, kind, source, target)
        return row && linked(row)
      },
      targetsOf: ({ accountId, region }, source) =>
        targets.all(accountId, region, kind, source).map(linked),
      sourcesOf: ({ accountId, region }, target) =>
        sources.all(accountId, region, kind, target).map(linked),
      sourcesEverywhere: (accountId, target) =>
        sourcesEverywhere.all(accountId, kind, target).map(link),
      listEverywhere: (accountId) => everywhere.all(accountId, kind).map(link),
    }
  }

  close(): void {
    this.#db.close()
  }
}

type Row = Readonly<Record<string, unknown>>

function linked(row: Row): Linked {
  return { name: String(row.name), word: String(row.word) }
}

function link(row: Row): Link {
  return { region: String(row.region), source: String(row.source), target: String(row.target) }
}
