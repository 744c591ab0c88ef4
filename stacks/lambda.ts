import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findLocationFile, locationFile } from './location-file.ts'
import { renderStatement, type Statement } from './permissions.ts'
import type { RouterPlan } from './plan.ts'
import { trustOf } from './roles.ts'

type LambdaSettings = {
  readonly handler: string
  readonly description: string
  readonly name: string
  readonly roleName: string
  readonly region: string
  readonly account: $util.Output<string>
  /** docs/configuration.md; a file in the package, as Lambda takes 4 KB of environment at most. */
  readonly config: $util.Output<object>
  /** What may not lie in a package: secrets, and nothing else. */
  readonly secrets?: Readonly<Record<string, $util.Output<string>>>
  readonly statements: $util.Output<Statement[]>
  /** Whether the location table is packed with it. */
  readonly locates: boolean
  readonly timeout: '28 seconds' | '15 minutes'
  readonly retention: RouterPlan['logRetention']
  readonly reserved?: number | undefined
  readonly provisioned?: number | undefined
}

/**
 * A Lambda with a role that the Lambda service alone may assume, its own calls and its own log. What
 * SST would add beyond that is taken out: the account's root in the trust, the managed log policy, which
 * covers every log group, and the key for linked secrets, since none are linked.
 */
export function createLambda(
  title: string,
  settings: LambdaSettings,
  provider: aws.Provider,
): sst.aws.Function {
  const { name, region, account, provisioned, secrets } = settings
  const ownLog = $interpolate`arn:aws:logs:${region}:${account}:log-group:/aws/lambda/${name}:*`
  const permissions = $util
    .all([settings.statements, ownLog])
    .apply(([statements, log]) => [
      ...statements.map(renderStatement),
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
      // A cold start reads what every request needs; what few do comes from a file of its own.
      nodejs: {
        format: 'esm',
        minify: true,
        splitting: true,
        esbuild: { external: ['geoip-lite'] },
      },
      // Not copyFiles: SST zips each file that is named there twice.
      hook: {
        async postbuild(folder) {
          const config = await new Promise<object>((done) => settings.config.apply(done))
          await writeFile(join(folder, 'landfall.json'), `${JSON.stringify(config, null, 2)}\n`)
          if (!settings.locates) return
          const table = join($cli.paths.root, findLocationFile($cli.paths.root))
          await copyFile(table, join(folder, locationFile))
        },
      },
      transform: {
        role: (args) => {
          args.name = settings.roleName
          args.managedPolicyArns = []
          args.assumeRolePolicy = trustOf('lambda.amazonaws.com')
        },
        function: (args) => {
          args.environment = secrets === undefined ? {} : { variables: secrets }
        },
      },
    },
    { provider },
  )
}
