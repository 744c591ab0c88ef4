import { setImmediate } from 'node:timers/promises'
import { findRegion } from '../../../regions/catalogue.ts'
import type { LoadedLocation } from '../../../regions/load-location.ts'
import { type PlacementInput, place } from '../../../regions/placement.ts'
import { type Moves, startMoves } from '../../products/simulated-moves.ts'
import { type Simulation, startSimulation } from '../../products/simulation.ts'
import { CommandFailure, findErrorCode, misuse } from '../failure.ts'
import { openLocation } from '../geo/location-source.ts'
import type { CommandContext } from '../program.ts'
import { writeWhole } from '../whole-file.ts'
import type { SimulateFlags } from './command.ts'
import { type Deployment, openEdgeLocation, readDeployment } from './deployment.ts'
import { readAddresses, type WrongLine } from './read-addresses.ts'
import { sampleAddresses } from './sample-addresses.ts'
import { simulateInWords } from './simulate-in-words.ts'
import { getSubject, type Subject } from './subject.ts'
import { findMismatches } from './summary.ts'

/** Everything that was simulated, and with what: `--json` prints this. */
export type SimulationReport = {
  readonly product: string
  /** The document, or the product and its version. */
  readonly version: string
  readonly from:
    | { readonly kind: 'sample'; readonly seed: number }
    | { readonly kind: 'addresses'; readonly file: string; readonly wrongLines: WrongLine[] }
  readonly locationSource: string
  readonly enabledRegions: readonly string[]
  readonly regionsFrom: string
  readonly down: readonly string[]
  readonly attributes: Readonly<Record<string, string>>
  readonly after: Simulation
  /** What it was compared with. */
  readonly before?: Simulation & { readonly version: string }
  readonly moves?: Moves
}

const defaultSample = 100_000
/** Devices between two looks at the clock of the progress bar, and at Ctrl-C. */
const devicesAtOnce = 2000

/** `landfall product simulate`: the edge's own decision, for many devices. Writes nothing but the map. */
export async function simulateProduct(
  named: string,
  flags: SimulateFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal, env } = context
  const wrong = flags.down?.find((name) => findRegion(name) === undefined)
  if (wrong !== undefined) {
    throw misuse(`${wrong} is no Region with AWS IoT Core`, 'for example --down eu-west-1')
  }
  const deployment = await readDeployment(flags, env)
  const subject = await getSubject(named, flags, context)
  const against =
    flags.against === undefined ? undefined : await getSubject(flags.against, flags, context)
  const data =
    deployment.location === undefined
      ? await openLocation(context)
      : await openEdgeLocation(deployment, context)
  const progress = terminal.progress(flags.map === undefined ? 1 : 2)
  try {
    const report = await run({ subject, against, deployment, data, progress }, flags, context)
    if (flags.map !== undefined) {
      progress.step('Drawing the map …')
      const { drawCatchmentMap } = await import('./map/catchment-map.ts')
      const svg = await drawCatchmentMap({ ...report, policy: subject.product.regionPolicy, data })
      await saveMap(flags.map, svg)
    }
    progress.finish()
    if (flags.json === true) terminal.json(report)
    else {
      for (const line of findMismatches(subject.product, deployment)) terminal.note(`note: ${line}`)
      simulateInWords(report, terminal)
      if (flags.map !== undefined) terminal.out(`map: ${flags.map}`)
    }
  } finally {
    progress.finish()
  }
}

async function saveMap(path: string, svg: string): Promise<void> {
  try {
    await writeWhole(path, svg)
  } catch (cause) {
    const why = findErrorCode(cause) ?? String(cause)
    throw new CommandFailure(`the map ${path} can’t be written: ${why}`, { cause })
  }
}

type Setting = {
  readonly subject: Subject
  readonly against: Subject | undefined
  readonly deployment: Deployment
  readonly data: LoadedLocation
  readonly progress: ReturnType<CommandContext['terminal']['progress']>
}

async function run(
  { subject, against, deployment, data, progress }: Setting,
  flags: SimulateFlags,
  { signal }: Pick<CommandContext, 'signal'>,
): Promise<SimulationReport> {
  const { sample = defaultSample, seed, down = [], attribute: attributes = {} } = flags
  const { enabledRegions, regionsFrom } = deployment
  const unavailable = new Map(down.map((region) => [region, 'down' as const]))
  const wrongLines: WrongLine[] = []
  const addresses =
    flags.addresses === undefined
      ? sampleAddresses(data.locate, sample, seed)
      : readAddresses(flags.addresses, wrongLines, signal)
  const many = flags.addresses === undefined ? `${sample.toLocaleString('en')} devices` : 'devices'
  progress.step(`Placing ${many} …`)

  const after = startSimulation()
  const before = startSimulation()
  const moves = startMoves()
  let count = 0
  for await (const address of addresses) {
    count++
    const device = {
      thing: `device-${String(count).padStart(6, '0')}`,
      address,
      location: data.locate(address),
    }
    const input: Omit<PlacementInput, 'policy'> = {
      enabledRegions,
      unavailable,
      attributes,
      address,
      location: device.location,
      thingName: device.thing,
    }
    const placement = place({ ...input, policy: subject.product.regionPolicy })
    after.add(device, placement)
    if (against !== undefined) {
      const earlier = place({ ...input, policy: against.product.regionPolicy })
      before.add(device, earlier)
      moves.add(device, earlier, placement)
    }
    if (count % devicesAtOnce === 0) {
      const part = flags.addresses === undefined ? count / sample : 0
      progress.update(`Placing ${many} … ${count.toLocaleString('en')}`, part)
      await setImmediate()
      if (signal.aborted) throw new CommandFailure('interrupted; nothing was written')
    }
  }
  if (count === 0) throw noAddress(flags.addresses ?? '', wrongLines)
  return {
    product: subject.product.name,
    version: subject.label,
    from:
      flags.addresses === undefined
        ? { kind: 'sample', seed }
        : { kind: 'addresses', file: flags.addresses, wrongLines },
    locationSource: `${data.source} of ${data.date}`,
    enabledRegions,
    regionsFrom,
    down,
    attributes,
    after: after.result(),
    ...(against === undefined
      ? {}
      : { before: { version: against.label, ...before.result() }, moves: moves.result() }),
  }
}

function noAddress(file: string, [first]: readonly WrongLine[]): CommandFailure {
  const line = first === undefined ? 'it is empty' : `line ${first.line} is "${first.text}"`
  return new CommandFailure(`${file} holds no address: ${line}`, {
    hint: 'one address a line, or a CSV whose first column is one',
  })
}
