import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BuildOptions, build } from 'esbuild'
import { ownSources, type Sources } from './replaced-sources.ts'

type Place = {
  readonly root: string
  readonly platform: string
  /** Where `config.mjs` and `program.mjs` go, and where SST keeps what it makes. */
  readonly folder: string
}

/** As SST's CLI begins each bundle, for what was CommonJS. */
const requireBanner = `import { createRequire as topLevelCreateRequire } from 'module';
const require = topLevelCreateRequire(import.meta.url);
import { fileURLToPath as topLevelFileUrlToPath, URL as topLevelURL } from "url"
const __dirname = topLevelFileUrlToPath(new topLevelURL(".", import.meta.url))`
export const functionBanner = `${requireBanner}
const __filename = topLevelFileUrlToPath(import.meta.url)`

/** What the CLI would write into the code is read from globalThis, so that one bundle of SST serves all. */
const define = { $app: 'globalThis.$app', $cli: 'globalThis.$cli', $dev: 'false' }

/**
 * Bundles `sst.config.ts` as `sst deploy` does, twice: alone (`config.mjs`, for its `app()`), and with
 * SST's components, SST's globals and SST's own start (`program.mjs`).
 */
export async function bundleProgram(place: Place, sources: Sources): Promise<void> {
  const { root, platform, folder } = place
  const config = join(root, 'sst.config.ts')
  const sst = await bundlePlatform(platform)
  const globalsFile = join(folder, 'globals.mjs')
  await writeFile(globalsFile, `export { ${shims.join(', ')} } from ${JSON.stringify(sst)}`)
  const globals = `import * as aws from "@pulumi/aws";import { sst } from ${JSON.stringify(sst)};`
  await Promise.all([
    build({
      ...common(`export { default as config } from ${JSON.stringify(config)}`, root),
      banner: { js: `${requireBanner}\nconst $config = (input) => input` },
      plugins: [ownSources(root, sources)],
      outfile: join(folder, 'config.mjs'),
    }),
    build({
      ...common(
        `import { run } from ${JSON.stringify(sst)}
         import mod from ${JSON.stringify(config)}
         export const program = () => run(mod.run)`,
        root,
      ),
      external: ['@pulumi/*', sst],
      banner: { js: requireBanner },
      // Where a name is free: packages have some of the same names of their own.
      inject: [globalsFile],
      define,
      plugins: [noTopLevelImports, ownSources(root, sources, globals)],
      outfile: join(folder, 'program.mjs'),
    }),
  ])
}

/** What SST's `src/shim/run.js` puts into every file. */
const shims = [
  ...['$linkable', '$output', '$apply', '$resolve', '$interpolate', '$concat', '$jsonParse'],
  ...['$jsonStringify', '$util', '$asset', '$config', '$transform', '$secrets'],
]

/**
 * SST's part of every program, bundled once for a version of sst and kept beside the platform. Pulumi
 * stays outside, as its SDK has to be one; so does esbuild, with which a part of SST minifies: its worker
 * is started from its own file.
 */
async function bundlePlatform(platform: string): Promise<string> {
  const options: BuildOptions = {
    ...common(
      `export { run } from './src/auto/run.ts'
       export * as sst from './src/components/index.ts'
       export { ${shims.join(', ')} } from './src/shim/run.js'`,
      platform,
    ),
    external: ['@pulumi/*', 'esbuild'],
    banner: { js: requireBanner },
    inject: [join(platform, 'src/shim/run.js')],
    define,
  }
  const version = await readFile(join(platform, 'version'), 'utf8').catch((cause) => {
    throw new Error('the SST platform isn’t installed: run npm run platform', { cause })
  })
  const key = createHash('sha256')
    .update(JSON.stringify([version, options]))
    .digest('hex')
  const outfile = join(platform, `components-${key.slice(0, 12)}.mjs`)
  if (!existsSync(outfile)) {
    const own = join(platform, `components-${process.pid}-${Date.now()}.mjs`)
    await build({ ...options, outfile: own })
    await rename(own, outfile)
  }
  return outfile
}

/** SST refuses them: `sst.config.ts` is read before there are providers. */
const noTopLevelImports: NonNullable<BuildOptions['plugins']>[number] = {
  name: 'no-top-level-imports',
  setup(building) {
    building.onResolve({ filter: /.*/ }, ({ importer, kind, path }) =>
      importer.endsWith('/sst.config.ts') && kind === 'import-statement' && path.startsWith('.')
        ? {
            errors: [{ text: 'sst.config.ts has a top-level import; use await import() in run()' }],
          }
        : undefined,
    )
  },
}

function common(contents: string, folder: string): BuildOptions {
  return {
    stdin: { contents, resolveDir: folder, sourcefile: 'eval.ts', loader: 'ts' },
    absWorkingDir: folder,
    mainFields: ['module', 'main'],
    format: 'esm',
    platform: 'node',
    target: 'es2023',
    bundle: true,
    logLevel: 'silent',
  }
}
