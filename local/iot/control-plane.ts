import { z } from 'zod'
import type { Service, ServiceRequest } from '../service.ts'
import type { Watch } from '../watch.ts'
import type { Authority } from './authority.ts'
import { certificateOperations } from './certificates.ts'
import { invalidRequest, type Members, type Operation, operation } from './operation.ts'
import { policyOperations } from './policies.ts'
import { principalOperations } from './principals.ts'
import type { Registry } from './registry.ts'
import type { Scope } from './store.ts'
import { thingGroupOperations } from './thing-groups.ts'
import { thingOperations } from './things.ts'

/** `accountId` is the one whose brokers run here; the registries serve every account. */
export type ControlPlaneDependencies = {
  readonly accountId: string
  readonly regions: readonly string[]
  readonly registry: Registry
  readonly watch: Watch
  readonly authority: Authority
  readonly endpointAddress: (region: string) => string
  readonly certificateChanged: (scope: Scope, certificateId: string) => void
}

// The real one answers a legacy host, whose certificate is another authority's, without a type.
const describeEndpoint = operation({
  name: 'DescribeEndpoint',
  route: 'GET /endpoint',
  query: { endpointType: 'endpointType' },
  input: z.object({ endpointType: z.string().optional() }),
  run({ endpointAddress }, { endpointType = 'iot:Data' }) {
    if (endpointType !== 'iot:Data-ATS') {
      throw invalidRequest(
        `This stand-in serves endpoint type iot:Data-ATS only, not ${endpointType}`,
      )
    }
    return { endpointAddress: endpointAddress() }
  },
})

const operations: readonly Operation[] = [
  ...thingOperations,
  ...certificateOperations,
  ...policyOperations,
  ...principalOperations,
  ...thingGroupOperations,
  describeEndpoint,
]

const byName = new Map(operations.map((candidate) => [candidate.name, candidate]))

/** AWS IoT's control plane (restJson1), for every enabled Region and any account. */
export function createControlPlane(dependencies: ControlPlaneDependencies): Service {
  const { accountId, regions, registry, watch, authority } = dependencies
  const known = new Set(regions)
  return {
    operationOf: (request) =>
      operations.find((candidate) => findMembers(candidate, request) !== undefined)?.name,

    async handle(name, request) {
      const called = byName.get(name)
      const members = called && findMembers(called, request)
      if (called === undefined || members === undefined) {
        throw new Error(`${request.method} ${request.path} is not ${name}`)
      }
      const scope = { accountId: request.caller.accountId, region: request.region }
      if (!known.has(scope.region)) {
        throw invalidRequest(`AWS IoT runs in ${regions.join(', ')} here, not in ${scope.region}`)
      }
      const context = {
        scope,
        registry: await watch.over(registry, {
          scope,
          operation: name,
          caller: request.caller.arn,
          certificateId: members.certificateId,
        }),
        authority,
        now: () => Date.now() / 1000,
        endpointAddress: () => {
          if (scope.accountId === accountId) return dependencies.endpointAddress(scope.region)
          throw invalidRequest(`Only account ${accountId} has MQTT endpoints here`)
        },
        certificateChanged: (id: string) => dependencies.certificateChanged(scope, id),
      }
      const body = await called.run(context, request, members)
      return {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }
    },

    renderError: (error, requestId) => ({
      status: error.status,
      headers: {
        'content-type': 'application/json',
        'x-amzn-errortype': error.code,
        'x-amzn-requestid': requestId,
      },
      body: JSON.stringify({ message: error.message, ...error.extra }),
    }),
  }
}

/**
 * The path members of a request to this operation, or undefined for any other request. A member is
 * one segment, decoded after the split: certificate ARNs keep their slashes as %2F.
 */
function findMembers(candidate: Operation, request: ServiceRequest): Members | undefined {
  if (candidate.method !== request.method) return undefined
  const wanted = candidate.path.split('/')
  const given = request.path.split('/')
  if (wanted.length !== given.length) return undefined
  const members: Record<string, string> = {}
  for (const [index, segment] of wanted.entries()) {
    const text = findDecoded(given[index] ?? '')
    if (text === undefined) return undefined
    const name = /^\{(.+)\}$/.exec(segment)?.[1]
    if (name === undefined ? segment !== text : text === '') return undefined
    if (name !== undefined) members[name] = text
  }
  return members
}

function findDecoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
