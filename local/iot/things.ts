import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { AwsError } from '../service.ts'
import { arnOf } from './arn.ts'
import { attributePayload, thingName, thingTypeName, version } from './members.ts'
import {
  invalidRequest,
  notFound,
  type OperationContext,
  operation,
  unsupported,
} from './operation.ts'
import { pageOf, pageSize, pageToken } from './page.ts'
import type { Registry, Thing } from './registry.ts'
import type { Scope } from './store.ts'

/** Without a thing type; not adjustable ("AWS IoT Core endpoints and quotas"). */
const mostAttributes = 3

export const thingOperations = [
  operation({
    name: 'CreateThing',
    route: 'POST /things/{thingName}',
    input: z.object({
      thingName,
      thingTypeName: thingTypeName.optional(),
      attributePayload,
      billingGroupName: unsupported,
    }),
    run({ scope, registry }, input) {
      refuseThingType(input.thingTypeName)
      const attributes = checkAttributes(withoutEmpty(input.attributePayload?.attributes ?? {}))
      const existing = registry.things.find(scope, input.thingName)
      if (existing === undefined) {
        const thing = {
          thingName: input.thingName,
          thingId: randomUUID(),
          attributes,
          version: 1,
        }
        registry.things.put(scope, thing.thingName, thing)
        return identify(scope, thing)
      }
      if (sameAttributes(existing.attributes, attributes)) return identify(scope, existing)
      throw new AwsError(
        'ResourceAlreadyExistsException',
        409,
        `Thing ${existing.thingName} already exists in account with different attributes`,
        { resourceId: existing.thingId, resourceArn: arnOf(scope, 'thing', existing.thingName) },
      )
    },
  }),

  operation({
    name: 'DescribeThing',
    route: 'GET /things/{thingName}',
    input: z.object({ thingName }),
    run({ scope, registry }, input) {
      const thing = getThing(registry, scope, input.thingName)
      return {
        defaultClientId: thing.thingName,
        ...identify(scope, thing),
        attributes: thing.attributes,
        version: thing.version,
      }
    },
  }),

  operation({
    name: 'UpdateThing',
    route: 'PATCH /things/{thingName}',
    input: z.object({
      thingName,
      thingTypeName: thingTypeName.optional(),
      attributePayload,
      expectedVersion: version,
      removeThingType: z.boolean().optional(),
    }),
    run({ scope, registry }, input) {
      const thing = getThing(registry, scope, input.thingName)
      refuseThingType(input.thingTypeName)
      expectVersion(thing, input.expectedVersion)
      const given = input.attributePayload?.attributes
      const kept = given && input.attributePayload?.merge !== true ? {} : thing.attributes
      registry.things.put(scope, thing.thingName, {
        ...thing,
        attributes: checkAttributes(withoutEmpty({ ...kept, ...given })),
        version: thing.version + 1,
      })
      return {}
    },
  }),

  operation({
    name: 'DeleteThing',
    route: 'DELETE /things/{thingName}',
    query: { expectedVersion: 'expectedVersion' },
    input: z.object({ thingName, expectedVersion: version }),
    run: deleteThing,
  }),

  operation({
    name: 'ListThings',
    route: 'GET /things',
    query: {
      nextToken: 'nextToken',
      maxResults: 'maxResults',
      attributeName: 'attributeName',
      attributeValue: 'attributeValue',
      thingTypeName: 'thingTypeName',
      usePrefixAttributeValue: 'usePrefixAttributeValue',
    },
    input: z.object({
      nextToken: pageToken,
      maxResults: pageSize,
      attributeName: z.string().optional(),
      attributeValue: z.string().optional(),
      thingTypeName: unsupported,
      usePrefixAttributeValue: unsupported,
    }),
    run({ scope, registry }, input) {
      const { attributeName: name, attributeValue: value } = input
      const things = registry.things.list(scope).filter((thing) => {
        if (name === undefined) return true
        const found = thing.attributes[name]
        return found !== undefined && (value === undefined || found === value)
      })
      const page = pageOf(things, (thing) => thing.thingName, {
        size: input.maxResults,
        token: input.nextToken,
      })
      return {
        things: page.rows.map((thing) => ({
          thingName: thing.thingName,
          thingArn: arnOf(scope, 'thing', thing.thingName),
          attributes: thing.attributes,
          version: thing.version,
        })),
        nextToken: page.next,
      }
    },
  }),
]

/** Deleting a thing that isn't there succeeds (API DeleteThing). */
function deleteThing(
  { scope, registry }: OperationContext,
  input: { thingName: string; expectedVersion?: number | undefined },
) {
  return registry.transaction(() => {
    const thing = registry.things.find(scope, input.thingName)
    if (thing === undefined) return {}
    expectVersion(thing, input.expectedVersion)
    if (registry.attachedThings.sourcesOf(scope, thing.thingName).length > 0) {
      throw invalidRequest(
        `Cannot delete. Thing ${thing.thingName} is still attached to one or more principals`,
      )
    }
    for (const group of registry.groupsOfThings.targetsOf(scope, thing.thingName)) {
      registry.groupsOfThings.delete(scope, thing.thingName, group.name)
    }
    registry.things.delete(scope, thing.thingName)
    return {}
  })
}

/** Throws ResourceNotFoundException. */
export function getThing(registry: Registry, scope: Scope, name: string): Thing {
  const thing = registry.things.find(scope, name)
  if (thing === undefined) throw notFound(`Thing ${name} not found`)
  return thing
}

function identify(scope: Scope, { thingName, thingId }: Thing) {
  return { thingName, thingArn: arnOf(scope, 'thing', thingName), thingId }
}

function refuseThingType(type: string | undefined): void {
  if (type !== undefined) throw notFound(`Thing type ${type} not found`)
}

function expectVersion(thing: Thing, expected: number | undefined): void {
  if (expected === undefined || expected === thing.version) return
  throw new AwsError(
    'VersionConflictException',
    409,
    `Thing ${thing.thingName} has version ${thing.version}, not the expected ${expected}`,
  )
}

/** An empty value removes its attribute (API AttributePayload). */
function withoutEmpty(attributes: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== ''))
}

function checkAttributes(attributes: Record<string, string>): Record<string, string> {
  if (Object.keys(attributes).length > mostAttributes) {
    throw invalidRequest(`A thing without a thing type has at most ${mostAttributes} attributes`)
  }
  return attributes
}

function sameAttributes(a: Thing['attributes'], b: Thing['attributes']): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}
