import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { trustOf } from './device-region.ts'
import { findLocationFile, locationFile } from './location-file.ts'
import type { Statement } from './permissions.ts'

type LambdaSettings = {
  readonly handler: string
  readonly description: string
  readonly name: string
  readonly roleName: string
  readonly region: string
  /** docs/configuration.md; a file in the package, as Lambda takes 4 KB of environment at most. */
  readonly config: $util.Output<object>
  readonly statements: $util.Output<Statement[]>
  /** Whether the location table is packed with it. */
  readonly locates: boolean
  readonly timeout: '28 seconds' | '15 minutes'
  readonly retention: '1 week' | '2 weeks' | '1 month' | '3 months' | '6 months' | '1 year'
  readonly reserved?: number | undefined
  readonly provisioned?: number | undefined
}

/**
 * A Lambda with a role that the Lambda service alone may assume, its own calls and its own log. What
 * SST would add beyond that is taken out: the account's root in the trust, the managed log policy, which
 * covers every log group, and the key for linked secrets, since there are none.
 */
export function createLambda(
  title: string,
  settings: LambdaSettings,
  provider: aws.Provider,
): sst.aws.Function {
  const { name, region, provisioned } = settings
  const account = aws.getCallerIdentityOutput().accountId
  const ownLog = $interpolate`arn:aws:logs:${region}:${account}:log-group:/aws/lambda/${name}:*`
  const permissions = $util
    .all([settings.statements, ownLog])
    .apply(([statements, log]) => [
      ...statements.map((it) => ({ actions: [...it.actions], resources: [...it.resources] })),
      { actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [log] },
    ])
  return new sst.aws.Function(
    title,
    {
      name,
      handler: settings.handler,
      description: settings.description,
      runtime: 'nodejs24.x',
      architecture: 'arm64',
      memory: '1024 MB',
      timeout: settings.timeout,
      logging: { format: 'json', retention: settings.retention },
      permissions,
      concurrency: {
        ...(settings.reserved === undefined ? {} : { reserved: settings.reserved }),
        ...(provisioned === undefined ? {} : { provisioned }),
      },
      versioning: provisioned !== undefined,
      nodejs: { format: 'esm', minify: true, esbuild: { external: ['geoip-lite'] } },
      copyFiles: settings.config.apply((config) => [
        { from: writeConfig(title, config), to: 'landfall.json' },
        ...(settings.locates
          ? [{ from: findLocationFile($cli.paths.root), to: locationFile }]
          : []),
      ]),
      transform: {
        role: (args) => {
          args.name = settings.roleName
          args.managedPolicyArns = []
          args.assumeRolePolicy = trustOf('lambda.amazonaws.com')
        },
        function: (args) => {
          args.environment = {}
        },
      },
    },
    { provider },
  )
}

/** Where SST keeps what it packs; the path is relative to the checkout, as SST wants it. */
function writeConfig(title: string, config: object): string {
  const file = join($cli.paths.work, 'config', title, 'landfall.json')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(config, null, 2)}\n`)
  return relative($cli.paths.root, file)
}
