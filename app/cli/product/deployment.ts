import { catalogue, findRegion } from '../../../regions/catalogue.ts'
import { type LoadedLocation, loadLocation } from '../../../regions/load-location.ts'
import { LocationTableError } from '../../../regions/location-table-format.ts'
import { readConfigFile } from '../config-file.ts'
import { CommandFailure, misuse } from '../failure.ts'
import { locationTableFile } from '../geo/location-table-file.ts'
import { readLocalJson } from '../local/local-json.ts'
import type { CommandContext } from '../program.ts'

export type DeploymentFlags = { config?: string; regions?: string[]; local?: string }

/** What placement depends on besides the product. */
export type Deployment = {
  readonly enabledRegions: readonly string[]
  /** Where they are known from, as half a sentence. */
  readonly regionsFrom: string
  /** The location data that its edges use (without a file: geoip-lite's); undefined: not known. */
  readonly location: { readonly file: string | undefined } | undefined
}

/**
 * The deployment that the flags name: its configuration, or that of `landfall local`. Without one,
 * every Region of the catalogue counts as enabled, and `regionsFrom` says so.
 */
export async function readDeployment(
  flags: DeploymentFlags,
  env: CommandContext['env'],
): Promise<Deployment> {
  const configFile =
    flags.config ??
    (flags.local === undefined ? undefined : (await readLocalJson(flags.local)).edgeConfigFile)
  const config = configFile === undefined ? undefined : await readConfigFile(configFile, env)
  const location = config && { file: config.locationFile }
  if (flags.regions !== undefined) {
    const wrong = flags.regions.find((name) => findRegion(name) === undefined)
    if (wrong !== undefined) {
      throw misuse(`${wrong} is no Region with AWS IoT Core`, 'for example --regions eu-west-1')
    }
    return { enabledRegions: flags.regions, regionsFrom: 'as --regions says', location }
  }
  if (config === undefined) {
    const enabledRegions = catalogue.map((row) => row.region)
    const regionsFrom = 'all with AWS IoT Core; --config, --local or --regions would say which'
    return { enabledRegions, regionsFrom, location }
  }
  return {
    enabledRegions: config.deviceRegions.map((it) => it.region),
    regionsFrom: `as ${configFile} says`,
    location,
  }
}

/**
 * Location data as an edge of this deployment has them; where none is named, the table that is kept
 * here, if there is a good one. Nothing is built or fetched.
 */
export async function openEdgeLocation(
  { location }: Deployment,
  { terminal }: CommandContext,
): Promise<LoadedLocation> {
  const loaded = location === undefined ? await loadKept() : await loadNamed(location.file)
  if (loaded.warning !== undefined) terminal.note(`warning: ${loaded.warning}`)
  return loaded
}

async function loadKept(): Promise<LoadedLocation> {
  try {
    return await loadLocation(locationTableFile)
  } catch (error) {
    if (!(error instanceof LocationTableError)) throw error
    return await loadLocation(undefined)
  }
}

async function loadNamed(file: string | undefined): Promise<LoadedLocation> {
  try {
    return await loadLocation(file)
  } catch (error) {
    if (!(error instanceof LocationTableError)) throw error
    throw new CommandFailure(error.message, { hint: 'npm run geo:build', cause: error })
  }
}
