import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'esbuild'

/** What stands in for a file of the checkout: its path from the root, and a text or a change of the text. */
export type Replacements = Readonly<Record<string, string | ((source: string) => string)>>

export type Sources = {
  /** Texts that stand in for files, by absolute path. */
  readonly texts: ReadonlyMap<string, string>
  /** Those of them that no build has read yet. */
  readonly unread: Set<string>
}

/**
 * Throws where a change leaves the text as it was: a mutation that mutates nothing would prove nothing.
 */
export function replaceSources(root: string, replace: Replacements): Sources {
  const texts = new Map(
    Object.entries(replace).map(([path, change]) => {
      const file = join(root, path)
      if (typeof change === 'string') return [file, change]
      const source = readFileSync(file, 'utf8')
      const changed = change(source)
      if (changed === source) throw new Error(`the replacement of ${path} changes nothing`)
      return [file, changed]
    }),
  )
  return { texts, unread: new Set(texts.keys()) }
}

/** Loads the checkout's own files, or what stands in for them, with `prefix` before each. */
export function ownSources(root: string, { texts, unread }: Sources, prefix = ''): Plugin {
  return {
    name: 'own-sources',
    setup(build) {
      build.onLoad({ filter: /\.[cm]?ts$/ }, ({ path }) => {
        if (!path.startsWith(root) || /\/(node_modules|\.sst)\//.test(path)) return undefined
        unread.delete(path)
        return { contents: prefix + (texts.get(path) ?? readFileSync(path, 'utf8')), loader: 'ts' }
      })
    },
  }
}
