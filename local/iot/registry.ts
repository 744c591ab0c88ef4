import { z } from 'zod'
import type { Collection, IotStore, Links } from './store.ts'

const thingShape = z.object({
  thingName: z.string(),
  thingId: z.string(),
  attributes: z.record(z.string(), z.string()),
  version: z.number(),
})
/** `version` counts the writes from 1. Thing types can't be made here, so no thing has one. */
export type Thing = z.infer<typeof thingShape>

const certificateShape = z.object({
  certificateId: z.string(),
  pem: z.string(),
  status: z.enum(['ACTIVE', 'INACTIVE', 'REVOKED']),
  createdAt: z.number(),
  modifiedAt: z.number(),
  notBefore: z.number(),
  notAfter: z.number(),
  generationId: z.string(),
  customerVersion: z.number(),
})
/** Times in seconds since 1970, as AWS's wire has them. */
export type Certificate = z.infer<typeof certificateShape>

const policyShape = z.object({
  policyName: z.string(),
  document: z.string(),
  createdAt: z.number(),
  generationId: z.string(),
})
/** `document` is the text as it came; times in seconds since 1970. */
export type Policy = z.infer<typeof policyShape>

const thingGroupShape = z.object({
  thingGroupName: z.string(),
  thingGroupId: z.string(),
  description: z.string().optional(),
  attributes: z.record(z.string(), z.string()),
  createdAt: z.number(),
})
/** A static group without a parent. `createdAt` in seconds since 1970. */
export type ThingGroup = z.infer<typeof thingGroupShape>

/** Everything AWS IoT's control plane holds, and what hangs on what. */
export type Registry = {
  readonly things: Collection<Thing>
  readonly certificates: Collection<Certificate>
  readonly policies: Collection<Policy>
  readonly thingGroups: Collection<ThingGroup>
  /** Target ARN (certificate or thing group) → policy name. */
  readonly attachedPolicies: Links
  /** Certificate id → thing name; the word is the ThingPrincipalType. */
  readonly attachedThings: Links
  /** Thing name → thing group name. */
  readonly groupsOfThings: Links
  transaction<T>(work: () => T): T
}

export function createRegistry(store: IotStore): Registry {
  return {
    things: store.collection('thing', thingShape),
    certificates: store.collection('certificate', certificateShape),
    policies: store.collection('policy', policyShape),
    thingGroups: store.collection('thing-group', thingGroupShape),
    attachedPolicies: store.links('policy'),
    attachedThings: store.links('thing'),
    groupsOfThings: store.links('group'),
    transaction: (work) => store.transaction(work),
  }
}
