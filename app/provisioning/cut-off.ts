import type { IotAudit, ObservedCertificate } from '../../regions/iot-audit.ts'
import { RegionError } from '../../regions/region-error.ts'
import type { CertificateRef, DeviceRecord } from './device-record.ts'

/** A device region as operators reach it. */
export type OperatorRegion = {
  readonly audit: Pick<IotAudit, 'region' | 'observe' | 'certificatesOf' | 'cutOff' | 'clean'>
  /**
   * The account, where nobody says that it is the region's: a certificate that isn't found there may
   * stand in another one.
   */
  readonly perhapsNotIn?: string
}

export type OperatorRegions = {
  /** Throws AppError `region-not-configured` where it can't be reached as things are set up. */
  get(region: string): Promise<OperatorRegion>
}

/** What became of a certificate that its device may no longer use. */
export type CutOff = CertificateRef & {
  /** `inactive`: detached too, both read back. `gone`: there is none. `failed`: it may still be usable. */
  readonly state: 'inactive' | 'gone' | 'failed'
  readonly problem?: string
}

type Deps = { readonly regions: OperatorRegions; readonly signal: AbortSignal }

/** INACTIVE and detached, each in its region; one that can't be reached keeps no other waiting. */
export async function cutOffAll(
  deps: Deps,
  certificates: readonly CertificateRef[],
): Promise<CutOff[]> {
  return await Promise.all(certificates.map((it) => cutOff(deps, it)))
}

async function cutOff(deps: Deps, { region, certificateId }: CertificateRef): Promise<CutOff> {
  const certificate = { region, certificateId }
  try {
    const { audit, perhapsNotIn } = await deps.regions.get(region)
    if (await audit.cutOff(certificateId, deps.signal)) return { ...certificate, state: 'inactive' }
    if (perhapsNotIn === undefined) return { ...certificate, state: 'gone' }
    const problem = `is not in account ${perhapsNotIn}: it is gone, or ${region} is another account’s`
    return { ...certificate, state: 'failed', problem }
  } catch (error) {
    return { ...certificate, state: 'failed', problem: problemOf(error) }
  }
}

/** A certificate that hangs on a device's thing, and that its record doesn't list. */
export type Hanging = {
  readonly certificates: readonly ObservedCertificate[]
  /** Regions that couldn't be looked at, a sentence each. */
  readonly problems: ReadonlyMap<string, string>
}

/**
 * What hangs on a device's thing in the regions that its record names, but for the certificates that the
 * record lists: made by something else, or by an attempt of a row that a hand overwrote since.
 */
export async function findHanging(deps: Deps, record: DeviceRecord): Promise<Hanging> {
  const listed = new Set(record.superseded.map((it) => it.certificateId))
  const certificates: ObservedCertificate[] = []
  const problems = new Map<string, string>()
  await Promise.all(
    regionsOf(record).map(async (region) => {
      try {
        const { audit } = await deps.regions.get(region)
        for (const id of await audit.certificatesOf(record.thingName, deps.signal)) {
          if (listed.has(id) || id === record.certificateId) continue
          const it = await audit.observe(id, deps.signal)
          if (it !== undefined) certificates.push(it)
        }
      } catch (error) {
        problems.set(region, problemOf(error))
      }
    }),
  )
  return { certificates, problems }
}

/** The regions in which a device may have an identity, by its record. */
export function regionsOf({ region, previousRegion, superseded }: DeviceRecord): string[] {
  const all = [region, previousRegion, ...superseded.map((it) => it.region)]
  return [...new Set(all.flatMap((it) => it ?? []))]
}

/** What a region had to say against it, for a person. */
export function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (!(error instanceof RegionError)) return error.message
  const { cause } = error
  const detail = cause instanceof Error && cause.message !== '' ? `: ${cause.message}` : ''
  return `${error.message}${detail}`
}
