import { findRegion } from '../../../regions/catalogue.ts'
import { describePlacement } from '../../../regions/describe-placement.ts'
import { type Location, parseAddress } from '../../../regions/location.ts'
import { type NoPlacement, type Placement, place } from '../../../regions/placement.ts'
import { type Condition, checkRule } from '../../../regions/region-rule.ts'
import type { Product } from '../../products/product.ts'
import { misuse } from '../failure.ts'
import type { CommandContext } from '../program.ts'
import type { ExplainFlags } from './command.ts'
import { type Deployment, openEdgeLocation, readDeployment } from './deployment.ts'
import { explainInWords } from './explain-in-words.ts'
import { getSubject } from './subject.ts'

/** One rule against the device; which of those that match decides is `placement.rule`. */
export type RuleExplanation = {
  readonly index: number
  readonly name?: string
  readonly strict: boolean
  readonly matches: boolean
  readonly conditions: readonly Condition[]
}

/** Everything that decides where a device lands, and what came of it: `--json` prints this. */
export type Explanation = {
  readonly product: string
  readonly thing?: string
  readonly address: string
  readonly location?: Location
  readonly attributes: Readonly<Record<string, string>>
  readonly pin?: string
  readonly rules: readonly RuleExplanation[]
  readonly placement: Placement | NoPlacement
  /** The placement in one line, as record and log keep it. */
  readonly reason: string
  readonly enabledRegions: readonly string[]
  readonly regionsFrom: string
  readonly locationSource: string
}

/** `landfall product explain`: the edge's own decision, with what it was made from. */
export async function explainPlacement(
  subject: string,
  flags: ExplainFlags,
  context: CommandContext,
): Promise<void> {
  checkFlags(flags)
  const { terminal, env } = context
  const deployment = await readDeployment(flags, env)
  const { product } = await getSubject(subject, flags, context)
  const data = await openEdgeLocation(deployment, context)
  const location = data.locate(flags.ip)
  const explanation = explain(product, { ...deployment, location }, flags)
  const locationSource = `${data.source} of ${data.date}`
  const { placement } = explanation
  const weighted = placement.region !== undefined && placement.basis === 'weighted'
  if (weighted && flags.thing === undefined) {
    throw misuse('the strategy is weighted', 'add --thing NAME: it decides by the thing name')
  }
  if (flags.json === true) terminal.json({ ...explanation, locationSource })
  else for (const line of explainInWords({ ...explanation, locationSource })) terminal.out(line)
}

function explain(
  product: Product,
  deployment: Pick<Deployment, 'enabledRegions' | 'regionsFrom'> & {
    location: Location | undefined
  },
  flags: ExplainFlags,
): Omit<Explanation, 'locationSource'> {
  const { regionPolicy } = product
  const { location, enabledRegions, regionsFrom } = deployment
  const { thing, pin, ip: address, attribute: attributes = {} } = flags
  const given = { location, address, attributes }
  const placement = place({
    ...given,
    policy: regionPolicy,
    enabledRegions,
    unavailable: new Map((flags.down ?? []).map((region) => [region, 'down'])),
    thingName: thing ?? '',
    pin,
  })
  return {
    product: product.name,
    ...(thing === undefined ? {} : { thing }),
    address,
    ...(location === undefined ? {} : { location }),
    attributes,
    ...(pin === undefined ? {} : { pin }),
    rules: regionPolicy.rules.map((rule, index) => {
      const conditions = checkRule(rule, given)
      return {
        index,
        ...(rule.name === undefined ? {} : { name: rule.name }),
        strict: rule.strict,
        matches: conditions.every((it) => it.holds),
        conditions,
      }
    }),
    placement,
    reason: describePlacement(placement),
    enabledRegions,
    regionsFrom,
  }
}

function checkFlags({ ip, down = [], pin }: ExplainFlags): void {
  if (parseAddress(ip) === undefined) {
    throw misuse(`--ip ${ip} is no address`, 'for example --ip 8.8.8.8 or --ip 2001:db8::1')
  }
  const wrong = [...down, ...(pin === undefined ? [] : [pin])].find((it) => !findRegion(it))
  if (wrong !== undefined) {
    throw misuse(`${wrong} is no Region with AWS IoT Core`, 'for example eu-west-1')
  }
}
