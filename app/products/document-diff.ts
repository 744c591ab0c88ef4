import { isDeepStrictEqual } from 'node:util'

/** One difference between two documents; `before` or `after` is absent where there was nothing. */
export type DocumentChange = {
  /** `signers[fleet].jwk.n`: entries of a list by their name or kid, else by their place. */
  readonly path: string
  readonly before?: unknown
  readonly after?: unknown
}

/**
 * The differences between two documents, in the order of the newer one. Lists of texts are compared as
 * a whole; entries that are mappings are matched by `name` or `kid`, so that one that was put in before
 * others doesn't change them all. Another order of those entries is a difference too.
 */
export function diffDocuments(before: unknown, after: unknown, path = ''): DocumentChange[] {
  if (isDeepStrictEqual(before, after)) return []
  const [old, fresh] = [fieldsOf(before, after), fieldsOf(after, before)]
  if (old === undefined || fresh === undefined) {
    return [
      {
        path,
        ...(before === undefined ? {} : { before }),
        ...(after === undefined ? {} : { after }),
      },
    ]
  }
  const keys = new Set([...fresh.keys(), ...old.keys()])
  const changes = [...keys].flatMap((key) =>
    diffDocuments(
      old.get(key),
      fresh.get(key),
      path === '' ? key.replace(/^\./, '') : `${path}${key}`,
    ),
  )
  const common = (all: Iterable<string>) => [...all].filter((key) => old.has(key) && fresh.has(key))
  const [was, is] = [common(old.keys()), common(fresh.keys())]
  if (!Array.isArray(after) || isDeepStrictEqual(was, is)) return changes
  return [...changes, { path: `${path} order`, before: was, after: is }]
}

/**
 * A mapping's fields as `.name`, a list's entries as `[name]`; undefined for whatever else. What isn't
 * there has no fields where the other side has some: each of them is a difference of its own.
 */
function fieldsOf(value: unknown, other?: unknown): Map<string, unknown> | undefined {
  if (value === undefined && fieldsOf(other)?.size) return new Map()
  if (typeof value !== 'object' || value === null) return undefined
  if (!Array.isArray(value)) {
    return new Map(Object.entries(value).map(([key, it]) => [`.${key}`, it]))
  }
  if (!value.every((it) => typeof it === 'object' && it !== null)) return undefined
  const byName = new Map(value.map((it, index) => [`[${nameOf(it) ?? index}]`, it]))
  // Where two have the same name (tests may), their places must tell them apart.
  if (byName.size === value.length) return byName
  return new Map(value.map((it, index) => [`[${index}]`, it]))
}

function nameOf(entry: object): string | undefined {
  if ('name' in entry && typeof entry.name === 'string') return entry.name
  return 'kid' in entry && typeof entry.kid === 'string' ? entry.kid : undefined
}
