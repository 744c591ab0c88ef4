import type { NoPlacement, Placement } from '../../regions/placement.ts'
import { getOrAdd, type SimulatedDevice } from './simulation.ts'

/** Devices that one version lands in one region and another version in another; null: in none. */
export type Route = {
  readonly from: string | null
  readonly to: string | null
  readonly devices: number
  /** Their part of all devices, 0 to 1. */
  readonly share: number
  /** Below 0: nearer. Absent where no distance is known, or one of the two is no region. */
  readonly meanChangeKm?: number
  /** The first one. */
  readonly example: {
    readonly thing: string
    readonly address: string
    readonly country: string | null
    readonly fromKm?: number
    readonly toKm?: number
  }
}

/** What moves between two versions of a policy, the widest route first. */
export type Moves = {
  readonly devices: number
  readonly share: number
  readonly meanChangeKm?: number
  readonly routes: readonly Route[]
}

type Sum = {
  readonly from: string | null
  readonly to: string | null
  readonly example: Route['example']
  devices: number
  measured: number
  km: number
}

/** Counts what moves. Placement alone: a provisioned device stays until it is provisioned anew. */
export function startMoves() {
  const routes = new Map<string, Sum>()
  let all = 0

  return {
    add(
      device: SimulatedDevice,
      before: Placement | NoPlacement,
      after: Placement | NoPlacement,
    ): void {
      all++
      if (before.region === after.region) return
      const [from, to] = [before.region ?? null, after.region ?? null]
      const [fromKm, toKm] = [distanceOf(before), distanceOf(after)]
      const sum = getOrAdd(routes, `${from} ${to}`, () => ({
        from,
        to,
        example: {
          thing: device.thing,
          address: device.address,
          country: device.location?.country ?? null,
          ...(fromKm === undefined ? {} : { fromKm }),
          ...(toKm === undefined ? {} : { toKm }),
        },
        devices: 0,
        measured: 0,
        km: 0,
      }))
      sum.devices++
      if (fromKm === undefined || toKm === undefined) return
      sum.measured++
      sum.km += toKm - fromKm
    },

    result(): Moves {
      const sums = [...routes.values()].sort(
        (a, b) => b.devices - a.devices || (`${a.from} ${a.to}` < `${b.from} ${b.to}` ? -1 : 1),
      )
      const devices = sums.reduce((total, sum) => total + sum.devices, 0)
      return {
        devices,
        share: all === 0 ? 0 : devices / all,
        ...meanChange(sums),
        routes: sums.map((sum) => ({
          from: sum.from,
          to: sum.to,
          devices: sum.devices,
          share: sum.devices / all,
          ...meanChange([sum]),
          example: sum.example,
        })),
      }
    },
  }
}

function distanceOf(placement: Placement | NoPlacement): number | undefined {
  return placement.region === undefined ? undefined : placement.distanceKm
}

function meanChange(sums: readonly Sum[]): { meanChangeKm?: number } {
  const measured = sums.reduce((total, sum) => total + sum.measured, 0)
  if (measured === 0) return {}
  return { meanChangeKm: sums.reduce((km, sum) => km + sum.km, 0) / measured }
}
