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

/**
 * Bundles `sst.config.ts` as `sst deploy` does, twice: alone (`config.mjs`, for its `app()`), and with
 * SST's components and SST's own start (`program.mjs`). Pulumi stays outside, as its SDK has to be one.
 * `$app` is read from globalThis, since the same build has not evaluated `app()` yet.
 */
export async function bundleProgram(place: Place, sources: Sources): Promise<void> {
  const { root, platform, folder } = place
  const cli = {
    command: 'deploy',
    dev: false,
    rpc: '',
    paths: { home: join(folder, 'home'), root, work: folder, platform },
    state: { version: {} },
  }
  const globals = `import * as aws from "@pulumi/aws";import * as sst from "${platform}/src/components";`
  const config = join(root, 'sst.config.ts')
  await Promise.all([
    build({
      ...common(place, `export { default as config } from ${JSON.stringify(config)}`),
      banner: { js: `${requireBanner}\nconst $config = (input) => input` },
      plugins: [ownSources(root, sources)],
      outfile: join(folder, 'config.mjs'),
    }),
    build({
      ...common(
        place,
        `import { run } from ${JSON.stringify(join(platform, 'src/auto/run.ts'))}
         import mod from ${JSON.stringify(config)}
         export const program = () => run(mod.run)`,
      ),
      banner: { js: requireBanner },
      inject: [join(platform, 'src/shim/run.js')],
      define: { $app: 'globalThis.$app', $cli: JSON.stringify(cli), $dev: 'false' },
      plugins: [noTopLevelImports, ownSources(root, sources, globals)],
      outfile: join(folder, 'program.mjs'),
    }),
  ])
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

function common({ root, platform }: Place, contents: string): BuildOptions {
  return {
    stdin: { contents, resolveDir: root, sourcefile: 'eval.ts', loader: 'ts' },
    absWorkingDir: root,
    nodePaths: [join(platform, 'node_modules')],
    mainFields: ['module', 'main'],
    // A part of SST minifies with esbuild's own worker, which is started from its own file.
    external: ['@pulumi/*', 'esbuild'],
    format: 'esm',
    platform: 'node',
    target: 'es2023',
    bundle: true,
    logLevel: 'silent',
  }
}
