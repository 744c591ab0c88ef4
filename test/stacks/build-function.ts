import { createCipheriv } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type BuildOptions, build, type Metafile } from 'esbuild'
import { z } from 'zod'
import { functionBanner } from './bundle-program.ts'
import { ownSources, type Sources } from './replaced-sources.ts'

/** What SST's component hands to its CLI to have a function bundled; what isn't listed is refused. */
const inputSchema = z.object({
  functionID: z.string(),
  handler: z.string(),
  bundle: z.undefined({ error: 'a ready bundle is not built here' }).optional(),
  runtime: z.literal('nodejs24.x'),
  dev: z.literal(false),
  encryptionKey: z.string(),
  links: z.record(z.string(), z.unknown()),
  properties: z.strictObject({
    architecture: z.string(),
    format: z.literal('esm').default('esm'),
    minify: z.boolean().default(false),
    splitting: z.boolean().default(false),
    sourcemap: z.boolean().optional(),
    banner: z.string().default(''),
    install: z
      .record(z.string(), z.string())
      .refine((it) => Object.keys(it).length === 0)
      .optional(),
    loader: z.record(z.string(), z.enum(['text', 'json', 'file', 'binary', 'base64'])).default({}),
    esbuild: z
      .strictObject({
        external: z.array(z.string()).default([]),
        mainFields: z.array(z.string()).default(['module', 'main']),
        conditions: z.array(z.string()).optional(),
        define: z.record(z.string(), z.string()).default({}),
        keepNames: z.boolean().default(true),
        sourcemap: z.boolean().default(true),
        target: z.string().optional(),
      })
      .prefault({}),
  }),
})

export type BuiltFunction = {
  readonly handler: string
  readonly out: string
  readonly errors: readonly string[]
  readonly sourcemaps: readonly string[]
}

type Bundle = {
  readonly files: { readonly path: string; readonly contents: Uint8Array }[]
  readonly metafile: Metafile
}
type Built = { readonly texts: Sources['texts']; readonly bundle: Promise<Bundle> }
/** What this process has bundled, by its options: with each set of replaced files that made a difference. */
const built = new Map<string, Built[]>()

/**
 * Bundles a Lambda as SST's CLI does for Node.js (pkg/runtime/node/build.go of sst 4): the component then
 * zips what lies in `out`. The same function for another Region isn't bundled again.
 */
export async function buildFunction(
  given: unknown,
  place: { readonly root: string; readonly folder: string },
  sources: Sources,
): Promise<BuiltFunction> {
  const input = inputSchema.parse(given)
  const { root } = place
  const stem = input.handler.slice(0, input.handler.lastIndexOf('.'))
  const entry = ['.ts', '.mts', '.js', '.mjs'].map((it) => join(root, stem + it)).find(existsSync)
  if (entry === undefined) throw new Error(`handler not found: ${input.handler}`)
  const { properties } = input
  const options: BuildOptions = {
    entryPoints: [entry],
    absWorkingDir: root,
    ...(properties.splitting
      ? { outdir: join(root, 'dist'), outExtension: { '.js': '.mjs' }, entryNames: 'bundle' }
      : { outfile: join(root, 'dist/bundle.mjs') }),
    splitting: properties.splitting,
    write: false,
    metafile: true,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: properties.esbuild.target ?? 'es2024',
    mainFields: properties.esbuild.mainFields,
    external: ['sharp', 'pg-native', ...properties.esbuild.external],
    define: properties.esbuild.define,
    loader: properties.loader,
    keepNames: properties.esbuild.keepNames,
    minify: properties.minify,
    sourcemap: properties.esbuild.sourcemap,
    banner: { js: `${functionBanner}\n${properties.banner}` },
    logLevel: 'silent',
    ...(properties.esbuild.conditions && { conditions: properties.esbuild.conditions }),
  }
  const { files, metafile } = await bundleOnce(options, root, sources)
  for (const path of Object.keys(metafile.inputs)) sources.unread.delete(join(root, path))

  const out = join(place.folder, 'artifacts', `${input.functionID}-src`)
  await rm(out, { recursive: true, force: true })
  await mkdir(out, { recursive: true })
  for (const { path, contents } of files) await writeFile(join(out, path), contents)
  await writeFile(join(out, 'resource.enc'), sealed(input.links, input.encryptionKey))
  // Beside the function and not in it: why the bundle has the size it has.
  await writeFile(join(dirname(out), `${input.functionID}-meta.json`), JSON.stringify(metafile))
  const maps = files.filter(({ path }) => path.endsWith('.map')).map(({ path }) => join(out, path))
  return {
    handler: `bundle${input.handler.slice(stem.length)}`,
    out,
    errors: [],
    // Maps that SST isn't to keep stay in the folder, and so in the zip.
    sourcemaps: properties.sourcemap === undefined ? maps : [],
  }
}

/** A bundle made before, where it read no file that is replaced otherwise now; else a new one. */
async function bundleOnce(options: BuildOptions, root: string, sources: Sources): Promise<Bundle> {
  const key = JSON.stringify(options)
  for (const { texts, bundle } of built.get(key) ?? []) {
    const known = await bundle
    const files = Object.keys(known.metafile.inputs).map((path) => join(root, path))
    if (files.every((file) => texts.get(file) === sources.texts.get(file))) return known
  }
  const bundle = bundleFunction({ ...options, plugins: [ownSources(root, sources)] })
  built.set(key, [...(built.get(key) ?? []), { texts: sources.texts, bundle }])
  return await bundle
}

async function bundleFunction(options: BuildOptions): Promise<Bundle> {
  const { outputFiles = [], metafile } = await build(options)
  if (metafile === undefined) throw new Error('esbuild wrote no metafile')
  return {
    files: outputFiles.map(({ path, contents }) => ({ path: basename(path), contents })),
    metafile,
  }
}

/** What `Resource` of the sst package would decrypt: AES-256-GCM with a nonce of zeros. */
function sealed(links: Record<string, unknown>, key: string): Buffer {
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(key, 'base64'), Buffer.alloc(12))
  const text = Buffer.concat([cipher.update(JSON.stringify(links)), cipher.final()])
  return Buffer.concat([text, cipher.getAuthTag()])
}
