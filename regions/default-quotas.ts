import { findRegion } from './catalogue.ts'

/**
 * New devices a second that a Region takes by default: CreateCertificateFromCsr, CreateKeysAndCertificate
 * and CreateThing (AWS General Reference, "AWS IoT Core endpoints and quotas"). Each can be raised.
 */
export type DefaultQuotas = {
  readonly csrsPerSecond: number
  readonly keysPerSecond: number
  readonly thingsPerSecond: number
}

export const csrsPerSecond = 15

export function defaultQuotas(region: string): DefaultQuotas {
  const thingsPerSecond = findRegion(region)?.lowQuotaTier ? 50 : 100
  return { csrsPerSecond, keysPerSecond: 10, thingsPerSecond }
}
