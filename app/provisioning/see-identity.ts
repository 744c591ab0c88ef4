import type { ObservedCertificate } from '../../regions/iot-audit.ts'
import { findHanging, type OperatorRegions, problemOf } from './cut-off.ts'
import type { CertificateRef, DeviceRecord } from './device-record.ts'
import type { SeenIdentity } from './identity-drift.ts'

/**
 * Looks at a device's certificates in their regions, as they are now. A region that can't be reached is in
 * `problems`; the others are seen all the same.
 */
export async function seeIdentity(
  deps: { readonly regions: OperatorRegions; readonly signal: AbortSignal },
  record: DeviceRecord,
): Promise<SeenIdentity & { readonly problems: readonly string[] }> {
  /** One a region: what keeps one call from being answered keeps the others too. */
  const problems = new Map<string, string>()

  async function see(it: CertificateRef): Promise<ObservedCertificate | 'gone' | undefined> {
    try {
      const { audit, perhapsNotIn } = await deps.regions.get(it.region)
      const found = await audit.observe(it.certificateId, deps.signal)
      if (found !== undefined) return found
      if (perhapsNotIn === undefined) return 'gone'
      problems.set(
        it.region,
        `${it.certificateId} is not in account ${perhapsNotIn}: it is gone, or ${it.region} is another account’s`,
      )
    } catch (error) {
      problems.set(it.region, problemOf(error))
    }
    return undefined
  }

  const { region, certificateId } = record
  const named = region !== undefined && certificateId !== undefined
  const [own, superseded, hanging] = await Promise.all([
    named ? see({ region, certificateId }) : undefined,
    Promise.all(record.superseded.map(see)),
    findHanging(deps, record),
  ])
  for (const [of, problem] of hanging.problems) problems.set(of, problems.get(of) ?? problem)
  return {
    ...(own === undefined ? {} : { own }),
    superseded: superseded.flatMap((it) => (it === undefined || it === 'gone' ? [] : [it])),
    hanging: hanging.certificates,
    problems: [...problems.values()],
  }
}
