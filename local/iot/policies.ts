import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { AwsError } from '../service.ts'
import { arnOf, findNameInArn } from './arn.ts'
import { getCertificate } from './certificates.ts'
import { policyName } from './members.ts'
import { flag, invalidRequest, notFound, operation, unsupported } from './operation.ts'
import { pageOf, pageSize, pageToken } from './page.ts'
import { parsePolicy } from './policy.ts'
import type { Policy, Registry } from './registry.ts'
import type { Scope } from './store.ts'

/** Per certificate or thing group; not adjustable ("AWS IoT Core endpoints and quotas"). */
const mostPolicies = 10

const paged = { marker: 'marker', pageSize: 'pageSize' }

export const policyOperations = [
  operation({
    name: 'CreatePolicy',
    route: 'POST /policies/{policyName}',
    input: z.object({ policyName, policyDocument: z.string(), tags: unsupported }),
    run({ scope, registry, now }, input) {
      checkDocument(input.policyDocument)
      if (registry.policies.find(scope, input.policyName) !== undefined) {
        throw new AwsError(
          'ResourceAlreadyExistsException',
          409,
          `Policy cannot be created - name already exists (name=${input.policyName})`,
          { resourceId: input.policyName, resourceArn: arnOf(scope, 'policy', input.policyName) },
        )
      }
      const policy = {
        policyName: input.policyName,
        document: input.policyDocument,
        createdAt: now(),
        generationId: randomUUID(),
      }
      registry.policies.put(scope, policy.policyName, policy)
      return {
        ...identify(scope, policy.policyName),
        policyDocument: policy.document,
        policyVersionId: '1',
      }
    },
  }),

  operation({
    name: 'GetPolicy',
    route: 'GET /policies/{policyName}',
    input: z.object({ policyName }),
    run({ scope, registry }, input) {
      const policy = getPolicy(registry, scope, input.policyName)
      return {
        ...identify(scope, policy.policyName),
        policyDocument: policy.document,
        defaultVersionId: '1',
        creationDate: policy.createdAt,
        lastModifiedDate: policy.createdAt,
        generationId: policy.generationId,
      }
    },
  }),

  operation({
    name: 'DeletePolicy',
    route: 'DELETE /policies/{policyName}',
    input: z.object({ policyName }),
    run({ scope, registry }, input) {
      getPolicy(registry, scope, input.policyName)
      if (registry.attachedPolicies.sourcesOf(scope, input.policyName).length > 0) {
        throw new AwsError(
          'DeleteConflictException',
          409,
          `Cannot delete the policy because it is attached to a target (name=${input.policyName})`,
        )
      }
      registry.policies.delete(scope, input.policyName)
      return {}
    },
  }),

  operation({
    name: 'ListPolicies',
    route: 'GET /policies',
    query: { ...paged, ascendingOrder: 'isAscendingOrder' },
    input: z.object({ marker: pageToken, pageSize, ascendingOrder: flag }),
    run({ scope, registry }, input) {
      const page = pageOf(registry.policies.list(scope), (policy) => policy.policyName, {
        size: input.pageSize,
        token: input.marker,
        descending: !input.ascendingOrder,
      })
      return {
        policies: page.rows.map((policy) => identify(scope, policy.policyName)),
        nextMarker: page.next,
      }
    },
  }),

  operation({
    name: 'AttachPolicy',
    route: 'PUT /target-policies/{policyName}',
    input: z.object({ policyName, target: z.string() }),
    run({ scope, registry }, input) {
      getPolicy(registry, scope, input.policyName)
      checkTarget(registry, scope, input.target)
      const attached = registry.attachedPolicies.targetsOf(scope, input.target)
      if (attached.some((policy) => policy.name === input.policyName)) return {}
      if (attached.length >= mostPolicies) {
        throw new AwsError(
          'LimitExceededException',
          410,
          `At most ${mostPolicies} policies can be attached to ${input.target}`,
        )
      }
      registry.attachedPolicies.put(scope, input.target, input.policyName)
      return {}
    },
  }),

  // The API has no error for what isn't attached or isn't there: the call is a no-op then.
  operation({
    name: 'DetachPolicy',
    route: 'POST /target-policies/{policyName}',
    input: z.object({ policyName, target: z.string().min(1) }),
    run({ scope, registry }, input) {
      registry.attachedPolicies.delete(scope, input.target, input.policyName)
      return {}
    },
  }),

  operation({
    name: 'ListAttachedPolicies',
    route: 'POST /attached-policies/{target}',
    query: { ...paged, recursive: 'recursive' },
    // Groups have no parents here, so `recursive` finds nothing more.
    input: z.object({ target: z.string(), marker: pageToken, pageSize, recursive: flag }),
    run({ scope, registry }, input) {
      checkTarget(registry, scope, input.target)
      const attached = registry.attachedPolicies.targetsOf(scope, input.target)
      const page = pageOf(attached, (policy) => policy.name, {
        size: input.pageSize,
        token: input.marker,
      })
      return {
        policies: page.rows.map((policy) => identify(scope, policy.name)),
        nextMarker: page.next,
      }
    },
  }),

  operation({
    name: 'ListTargetsForPolicy',
    route: 'POST /policy-targets/{policyName}',
    query: paged,
    input: z.object({ policyName, marker: pageToken, pageSize }),
    run({ scope, registry }, input) {
      getPolicy(registry, scope, input.policyName)
      const targets = registry.attachedPolicies.sourcesOf(scope, input.policyName)
      const page = pageOf(targets, (target) => target.name, {
        size: input.pageSize,
        token: input.marker,
      })
      return { targets: page.rows.map((target) => target.name), nextMarker: page.next }
    },
  }),
]

function getPolicy(registry: Registry, scope: Scope, name: string): Policy {
  const policy = registry.policies.find(scope, name)
  if (policy === undefined) throw notFound(`Policy not found (name=${name})`)
  return policy
}

function checkDocument(document: string): void {
  try {
    parsePolicy(document)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new AwsError('MalformedPolicyException', 400, `Policy document is malformed: ${why}`)
  }
}

/** A target is a certificate or a thing group of this account and Region, and it exists. */
function checkTarget(registry: Registry, scope: Scope, target: string): void {
  const id = findNameInArn(scope, 'cert', target)
  if (id !== undefined) {
    getCertificate(registry, scope, { certificateId: id })
    return
  }
  const group = findNameInArn(scope, 'thinggroup', target)
  if (group === undefined) {
    throw invalidRequest(
      `The target must be the ARN of a certificate or thing group in ${scope.region}: ${target}`,
    )
  }
  if (registry.thingGroups.find(scope, group) === undefined) {
    throw notFound(`Thing group ${group} not found`)
  }
}

function identify(scope: Scope, name: string) {
  return { policyName: name, policyArn: arnOf(scope, 'policy', name) }
}
