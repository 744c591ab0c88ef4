import type { ProductVersion, StoredProduct } from './product-row.ts'

export type VersionState = 'current' | 'earlier' | 'never current' | 'unknown'

/**
 * Which versions were current: those that the current one leads back to by `replaces`. Beyond what is
 * kept, or written by hand, nothing is known.
 */
export function stateOf(
  stored: StoredProduct,
  versions: readonly ProductVersion[],
): ReadonlyMap<number, VersionState> {
  const states = new Map<number, VersionState>()
  const byVersion = new Map(versions.map((it) => [it.version, it]))
  let at = stored.version
  for (const { version } of versions) {
    if (at === undefined || version < at) continue
    if (version > at) states.set(version, 'never current')
    else {
      states.set(version, version === stored.version ? 'current' : 'earlier')
      at = byVersion.get(version)?.replaces
    }
  }
  return states
}
