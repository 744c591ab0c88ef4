import { type Command, Option } from 'commander'
import { type AwsFlags, addAwsFlags } from '../aws-flags.ts'
import { attribute, integer, list } from '../options.ts'
import type { CommandContext } from '../program.ts'
import type { DeploymentFlags } from './deployment.ts'

export type ProductFlags = AwsFlags & { json?: true }
export type CheckFlags = DeploymentFlags & { json?: true }
export type ApplyFlags = ProductFlags & DeploymentFlags & { yes?: true }
export type ExplainFlags = ProductFlags &
  DeploymentFlags & {
    ip: string
    thing?: string
    attribute?: Record<string, string>
    down?: string[]
    pin?: string
  }
export type SimulateFlags = ProductFlags &
  DeploymentFlags & {
    against?: string
    addresses?: string
    sample?: number
    seed: number
    attribute?: Record<string, string>
    down?: string[]
    map?: string
  }

const table = 'the control table (default: iot-global-control)'
const file = 'the product’s document (YAML or JSON)'
const json = 'print one JSON object'

export function productCommand(program: Command, context: CommandContext): void {
  const product = program
    .command('product')
    .summary('which devices may land where: products and their region policies')
    .description('Products: whose signatures count, where their devices land, and why.')
    .addHelpText('after', EXAMPLES)

  addDeploymentFlags(product.command('check'))
    .summary('look at a document, and run its tests')
    .description(
      'Checks a document: every problem with its line and path, all at once; then the tests that it carries. Nothing is written.',
    )
    .argument('<file>', file)
    .option('--local <file>', 'local.json of `landfall local`: gives the enabled regions')
    .option('--json', json)
    .addHelpText('after', CHECK_EXAMPLES)
    .action(async (path: string, flags: CheckFlags) => {
      const { checkProduct } = await import('./check.ts')
      await checkProduct(path, flags, context)
    })

  addDeploymentFlags(addAwsFlags(product.command('apply'), table))
    .summary('make a document the product')
    .description(
      'Checks a document, runs its tests, shows what it changes, asks, and makes it the product. The version before is kept.',
    )
    .argument('<file>', file)
    .option('--yes', 'don’t ask')
    .option('--json', json)
    .addHelpText('after', APPLY_EXAMPLES)
    .action(async (path: string, flags: ApplyFlags) => {
      const { applyFile } = await import('./apply.ts')
      await applyFile(path, flags, context)
    })

  addAwsFlags(product.command('list'), table)
    .summary('the products')
    .description('Lists the products, and the documents that can’t be used.')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', LIST_EXAMPLES)
    .action(async (flags: ProductFlags) => {
      const { listProducts } = await import('./list.ts')
      await listProducts(flags, context)
    })

  addAwsFlags(product.command('show'), table)
    .summary('a product’s document')
    .description('Shows a product’s document as YAML, now or as it was.')
    .argument('<name>', 'the product')
    .argument('[version]', 'an earlier version', integer(1, 1e9))
    .option('--json', json)
    .addHelpText('after', SHOW_EXAMPLES)
    .action(async (name: string, version: number | undefined, flags: ProductFlags) => {
      const { showProduct } = await import('./show.ts')
      await showProduct({ name, version }, flags, context)
    })

  addAwsFlags(product.command('history'), table)
    .summary('a product’s versions')
    .description(
      'Lists a product’s versions, the newest first: when, by whom, and what became of each.',
    )
    .argument('<name>', 'the product')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', HISTORY_EXAMPLES)
    .action(async (name: string, flags: ProductFlags) => {
      const { showHistory } = await import('./history.ts')
      await showHistory(name, flags, context)
    })

  addDeploymentFlags(addAwsFlags(product.command('rollback'), table))
    .summary('go back to an earlier version')
    .description(
      'Makes an earlier version’s document a new version: shown, tested and asked as by apply.',
    )
    .argument('<name>', 'the product')
    .argument('[version]', 'which (default: the one before)', integer(1, 1e9))
    .option('--yes', 'don’t ask')
    .option('--json', json)
    .addHelpText('after', ROLLBACK_EXAMPLES)
    .action(async (name: string, version: number | undefined, flags: ApplyFlags) => {
      const { rollBack } = await import('./rollback.ts')
      await rollBack({ name, version }, flags, context)
    })

  addDeploymentFlags(addAwsFlags(product.command('explain'), table))
    .summary('where a device would land, and why')
    .description(
      'Says where a device would land by a document, or by the product of that name, and why: rules, candidates, distances, what was skipped. It locates as an edge does.',
    )
    .argument('<file|name>', 'a document, or a product’s name')
    .requiredOption('--ip <address>', 'the address that the device asks from')
    .option('--thing <name>', 'its thing name: weighted strategies go by it')
    .option('--attribute <name=value>', 'an attribute of its record; may be repeated', attribute)
    .option('--down <regions>', 'regions that fail, separated by commas', list)
    .option('--pin <region>', 'the region that it was moved to')
    .option('--json', json)
    .addHelpText('after', EXPLAIN_EXAMPLES)
    .action(async (subject: string, flags: ExplainFlags) => {
      const { explainPlacement } = await import('./explain.ts')
      await explainPlacement(subject, flags, context)
    })

  addDeploymentFlags(addAwsFlags(product.command('simulate'), table))
    .summary('where many devices would land, and a map')
    .description(
      'Says where many devices would land: shares and mean distances by region and country, whom a strict rule leaves without a region, what moves between two versions. Nothing is changed. It locates as an edge does; the location table is built at first use.',
    )
    .argument('<file|name>', 'a document, or a product’s name')
    .option('--against <file|name>', 'what to compare it with')
    .addOption(
      new Option(
        '--addresses <file>',
        'where devices ask from: one address a line, or the first column of a CSV; "-" is stdin',
      ).conflicts('sample'),
    )
    .option(
      '--sample <count>',
      'so many random IPv4 addresses instead, a range by its size (default: 100000): address space isn’t people',
      integer(1, 10_000_000),
    )
    .option('--seed <number>', 'draws another sample', integer(0, 4_294_967_295), 1)
    .option('--attribute <name=value>', 'an attribute of every record; may be repeated', attribute)
    .option('--down <regions>', 'regions that fail, separated by commas', list)
    .option('--map <file>', 'a world map of the catchments, as SVG')
    .option('--json', json)
    .addHelpText('after', SIMULATE_EXAMPLES)
    .action(async (subject: string, flags: SimulateFlags) => {
      const { simulateProduct } = await import('./simulate.ts')
      await simulateProduct(subject, flags, context)
    })

  product
    .command('schema')
    .summary('the document’s JSON Schema, for editors')
    .description('Prints the JSON Schema of a product’s document. A document names it as $schema.')
    .addHelpText('after', SCHEMA_EXAMPLES)
    .action(async () => {
      const { productJsonSchema } = await import('../../products/product-json-schema.ts')
      context.terminal.out(JSON.stringify(productJsonSchema(), null, 2))
    })
}

function addDeploymentFlags(command: Command): Command {
  return command
    .option('--config <file>', 'the edge’s configuration: gives enabled regions and location data')
    .option('--regions <names>', 'the enabled regions, separated by commas', list)
}

const EXAMPLES = `
Examples:
  $ npx landfall product check lamps.yaml
  $ npx landfall product apply lamps.yaml --local .landfall/local/local.json
  $ npx landfall product explain lamps --ip 8.8.8.8 --local .landfall/local/local.json`

const CHECK_EXAMPLES = `
Exit code 1: a problem, or a test that fails.

Examples:
  $ npx landfall product check lamps.yaml --config edge.yaml
  $ npx landfall product check lamps.yaml --regions eu-west-1,us-east-1 --json`

const APPLY_EXAMPLES = `
Examples:
  $ npx landfall product apply lamps.yaml --local .landfall/local/local.json
  $ npx landfall product apply lamps.yaml --region eu-west-1 --config edge.yaml --yes`

const LIST_EXAMPLES = `
Examples:
  $ npx landfall product list --local .landfall/local/local.json
  $ npx landfall product list --region eu-west-1 --json`

const SHOW_EXAMPLES = `
Examples:
  $ npx landfall product show lamps --local .landfall/local/local.json
  $ npx landfall product show lamps 3 --region eu-west-1 --json`

const HISTORY_EXAMPLES = `
Examples:
  $ npx landfall product history lamps --local .landfall/local/local.json
  $ npx landfall product history lamps --region eu-west-1 --json`

const ROLLBACK_EXAMPLES = `
Examples:
  $ npx landfall product rollback lamps --local .landfall/local/local.json
  $ npx landfall product rollback lamps 3 --region eu-west-1 --yes`

const EXPLAIN_EXAMPLES = `
Examples:
  $ npx landfall product explain lamps.yaml --ip 134.226.1.1 --regions eu-west-1,us-east-1
  $ npx landfall product explain lamps --ip 8.8.8.8 --thing lamp-1 --attribute plan=gold --local .landfall/local/local.json
  $ npx landfall product explain lamps --ip 8.8.8.8 --down us-east-1,us-east-2 --region eu-west-1 --json`

const SIMULATE_EXAMPLES = `
Things are named device-000001 and so on; weighted strategies go by that. An address may stand there
often, and counts as often.

Examples:
  $ npx landfall product simulate lamps.yaml --regions eu-west-1,us-east-1 --map lamps.svg
  $ npx landfall product simulate lamps.yaml --against lamps --local .landfall/local/local.json
  $ cut -d' ' -f1 access.log | npx landfall product simulate lamps --addresses - --region eu-west-1 --json`

const SCHEMA_EXAMPLES = `
Examples:
  $ npx landfall product schema >product.schema.json`
