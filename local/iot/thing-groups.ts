import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { AwsError } from '../service.ts'
import { arnOf, findNameInArn } from './arn.ts'
import { attributePayload, thingGroupName, thingName } from './members.ts'
import { flag, invalidRequest, notFound, operation, unsupported } from './operation.ts'
import { pageOf, pageSize, pageToken } from './page.ts'
import type { Registry, ThingGroup } from './registry.ts'
import type { Scope } from './store.ts'
import { getThing } from './things.ts'

/** Groups a thing may be in directly ("AWS IoT Core endpoints and quotas"). */
const mostGroups = 10

const membership = z.object({
  thingGroupName: thingGroupName.optional(),
  thingGroupArn: z.string().optional(),
  thingName: thingName.optional(),
  thingArn: z.string().optional(),
  overrideDynamicGroups: z.boolean().optional(),
})

const paged = { nextToken: 'nextToken', maxResults: 'maxResults' }

/** Static thing groups without parents. */
export const thingGroupOperations = [
  operation({
    name: 'CreateThingGroup',
    route: 'POST /thing-groups/{thingGroupName}',
    input: z.object({
      thingGroupName,
      parentGroupName: unsupported,
      tags: unsupported,
      thingGroupProperties: z
        .object({ thingGroupDescription: z.string().max(2028).optional(), attributePayload })
        .optional(),
    }),
    run({ scope, registry, now }, input) {
      const attributes = input.thingGroupProperties?.attributePayload?.attributes ?? {}
      const description = input.thingGroupProperties?.thingGroupDescription
      const existing = registry.thingGroups.find(scope, input.thingGroupName)
      if (existing !== undefined) {
        if (sameGroup(existing, description, attributes)) return identify(scope, existing)
        throw new AwsError(
          'ResourceAlreadyExistsException',
          409,
          `Thing group ${input.thingGroupName} already exists in account with different properties`,
          {
            resourceId: existing.thingGroupId,
            resourceArn: arnOf(scope, 'thinggroup', existing.thingGroupName),
          },
        )
      }
      const group = {
        thingGroupName: input.thingGroupName,
        thingGroupId: randomUUID(),
        description,
        attributes,
        createdAt: now(),
      }
      registry.thingGroups.put(scope, group.thingGroupName, group)
      return identify(scope, group)
    },
  }),

  operation({
    name: 'DescribeThingGroup',
    route: 'GET /thing-groups/{thingGroupName}',
    input: z.object({ thingGroupName }),
    run({ scope, registry }, input) {
      const group = getGroup(registry, scope, input.thingGroupName)
      return {
        ...identify(scope, group),
        version: 1,
        thingGroupProperties: {
          thingGroupDescription: group.description,
          attributePayload: { attributes: group.attributes },
        },
        thingGroupMetadata: { creationDate: group.createdAt },
      }
    },
  }),

  operation({
    name: 'AddThingToThingGroup',
    route: 'PUT /thing-groups/addThingToThingGroup',
    input: membership,
    run({ scope, registry }, input) {
      const { group, thing } = memberOf(scope, input)
      getGroup(registry, scope, group)
      getThing(registry, scope, thing)
      const groups = registry.groupsOfThings.targetsOf(scope, thing)
      if (groups.some(({ name }) => name === group)) return {}
      if (groups.length >= mostGroups) {
        throw invalidRequest(`Thing ${thing} is in ${mostGroups} groups already`)
      }
      registry.groupsOfThings.put(scope, thing, group)
      return {}
    },
  }),

  operation({
    name: 'RemoveThingFromThingGroup',
    route: 'PUT /thing-groups/removeThingFromThingGroup',
    input: membership,
    run({ scope, registry }, input) {
      const { group, thing } = memberOf(scope, input)
      getGroup(registry, scope, group)
      getThing(registry, scope, thing)
      registry.groupsOfThings.delete(scope, thing, group)
      return {}
    },
  }),

  operation({
    name: 'ListThingGroupsForThing',
    route: 'GET /things/{thingName}/thing-groups',
    query: paged,
    input: z.object({ thingName, nextToken: pageToken, maxResults: pageSize }),
    run({ scope, registry }, input) {
      getThing(registry, scope, input.thingName)
      const groups = registry.groupsOfThings.targetsOf(scope, input.thingName)
      const page = pageOf(groups, ({ name }) => name, {
        size: input.maxResults,
        token: input.nextToken,
      })
      return {
        thingGroups: page.rows.map(({ name }) => ({
          groupName: name,
          groupArn: arnOf(scope, 'thinggroup', name),
        })),
        nextToken: page.next,
      }
    },
  }),

  operation({
    name: 'ListThingsInThingGroup',
    route: 'GET /thing-groups/{thingGroupName}/things',
    query: { ...paged, recursive: 'recursive' },
    input: z.object({
      thingGroupName,
      nextToken: pageToken,
      maxResults: pageSize,
      recursive: flag,
    }),
    run({ scope, registry }, input) {
      getGroup(registry, scope, input.thingGroupName)
      const things = registry.groupsOfThings.sourcesOf(scope, input.thingGroupName)
      const page = pageOf(things, ({ name }) => name, {
        size: input.maxResults,
        token: input.nextToken,
      })
      return { things: page.rows.map(({ name }) => name), nextToken: page.next }
    },
  }),
]

function getGroup(registry: Registry, scope: Scope, name: string): ThingGroup {
  const group = registry.thingGroups.find(scope, name)
  if (group === undefined) throw notFound(`Thing group ${name} not found`)
  return group
}

function memberOf(scope: Scope, input: z.infer<typeof membership>) {
  const group =
    input.thingGroupName ?? findNameInArn(scope, 'thinggroup', input.thingGroupArn ?? '')
  const thing = input.thingName ?? findNameInArn(scope, 'thing', input.thingArn ?? '')
  if (group === undefined) throw invalidRequest('thingGroupName or thingGroupArn is missing')
  if (thing === undefined) throw invalidRequest('thingName or thingArn is missing')
  return { group, thing }
}

function identify(scope: Scope, { thingGroupName: name, thingGroupId }: ThingGroup) {
  return { thingGroupName: name, thingGroupArn: arnOf(scope, 'thinggroup', name), thingGroupId }
}

function sameGroup(
  group: ThingGroup,
  description: string | undefined,
  attributes: ThingGroup['attributes'],
): boolean {
  const names = Object.keys(attributes)
  return (
    group.description === description &&
    names.length === Object.keys(group.attributes).length &&
    names.every((name) => group.attributes[name] === attributes[name])
  )
}
