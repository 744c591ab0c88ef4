import type { NoPlacement, Placement } from '../../regions/placement.ts'
import type { LocatedPlace } from '../../regions/region-rule.ts'

/** One device of a simulation. */
export type SimulatedDevice = {
  readonly thing: string
  readonly address: string
  readonly location: LocatedPlace | undefined
}

/** How many devices, their part of all (0 to 1), and how far they have it; without a position: absent. */
export type Share = {
  readonly devices: number
  readonly share: number
  readonly meanKm?: number
}

export type RegionShare = Share & { readonly region: string }

/** The devices of one country (null: no known position), and the regions they land in. */
export type CountryShare = Share & {
  readonly country: string | null
  readonly unplaced: number
  readonly regions: readonly RegionShare[]
}

/** Devices that land nowhere, by the rule and the reason that leave them there. */
export type Unplaced = {
  /** Absent: it isn't a rule that leaves them without a region. */
  readonly rule?: NonNullable<NoPlacement['rule']>
  readonly refusal: NoPlacement['refusal']
  readonly devices: number
  readonly share: number
  readonly countries: readonly { readonly country: string | null; readonly devices: number }[]
  /** The first one. */
  readonly example: { readonly thing: string; readonly address: string }
  readonly placement: NoPlacement
}

/** Where a product's devices land; the shares of `regions` and `unplaced` add up to 1. Largest first. */
export type Simulation = {
  readonly devices: number
  /** Those without a known position. */
  readonly unlocated: number
  readonly meanKm?: number
  readonly regions: readonly RegionShare[]
  readonly countries: readonly CountryShare[]
  readonly unplaced: readonly Unplaced[]
}

type Sum = { devices: number; measured: number; km: number }
type UnplacedSum = Omit<Unplaced, 'share' | 'countries' | 'devices'> & {
  readonly countries: Map<string | null, number>
}

/** Counts where devices land. */
export function startSimulation() {
  const countries = new Map<string | null, Map<string | undefined, Sum>>()
  const unplaced = new Map<string, UnplacedSum>()
  let devices = 0
  let unlocated = 0

  return {
    add(device: SimulatedDevice, placement: Placement | NoPlacement): void {
      const country = device.location?.country ?? null
      devices++
      if (device.location === undefined) unlocated++
      const regions = getOrAdd(countries, country, () => new Map<string | undefined, Sum>())
      const sum = getOrAdd(regions, placement.region, () => ({ devices: 0, measured: 0, km: 0 }))
      sum.devices++
      if (placement.region === undefined) {
        const { rule, refusal } = placement
        const left = getOrAdd(unplaced, `${rule?.index} ${refusal}`, () => ({
          ...(rule === undefined ? {} : { rule }),
          refusal,
          countries: new Map(),
          example: { thing: device.thing, address: device.address },
          placement,
        }))
        left.countries.set(country, (left.countries.get(country) ?? 0) + 1)
      } else if (placement.distanceKm !== undefined) {
        sum.measured++
        sum.km += placement.distanceKm
      }
    },

    result(): Simulation {
      const all = [...countries.values()].flatMap((it) => [...it])
      return {
        devices,
        unlocated,
        ...meanKm(all.map(([, sum]) => sum)),
        regions: regionShares(all, devices),
        countries: [...countries]
          .map(([country, regions]) => ({
            country,
            ...share([...regions.values()], devices),
            unplaced: regions.get(undefined)?.devices ?? 0,
            regions: regionShares([...regions], devices),
          }))
          .sort((a, b) => b.devices - a.devices || order(a.country, b.country)),
        unplaced: [...unplaced.values()]
          .map((it) => {
            const left = [...it.countries].map(([country, count]) => ({ country, devices: count }))
            const count = left.reduce((sum, { devices: some }) => sum + some, 0)
            left.sort((a, b) => b.devices - a.devices || order(a.country, b.country))
            return { ...it, devices: count, share: count / devices, countries: left }
          })
          .sort((a, b) => b.devices - a.devices),
      }
    },
  }
}

function regionShares(sums: readonly (readonly [string | undefined, Sum])[], devices: number) {
  const byRegion = new Map<string, Sum[]>()
  for (const [region, sum] of sums) {
    if (region !== undefined) getOrAdd(byRegion, region, () => []).push(sum)
  }
  return [...byRegion]
    .map(([region, some]) => ({ region, ...share(some, devices) }))
    .sort((a, b) => b.devices - a.devices || order(a.region, b.region))
}

function share(sums: readonly Sum[], all: number): Share {
  const devices = sums.reduce((total, sum) => total + sum.devices, 0)
  return { devices, share: devices / all, ...meanKm(sums) }
}

function meanKm(sums: readonly Sum[]): { meanKm?: number } {
  const measured = sums.reduce((total, sum) => total + sum.measured, 0)
  return measured === 0 ? {} : { meanKm: sums.reduce((km, sum) => km + sum.km, 0) / measured }
}

/** What is in the map under a key; what `make` makes is put there first where nothing is. */
export function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}

function order(a: string | null, b: string | null): number {
  return (a ?? '') < (b ?? '') ? -1 : 1
}
