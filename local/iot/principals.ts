import { z } from 'zod'
import { arnOf, findNameInArn } from './arn.ts'
import { getCertificate } from './certificates.ts'
import { principalType, thingName } from './members.ts'
import { invalidRequest, notFound, operation } from './operation.ts'
import { pageOf, pageSize, pageToken } from './page.ts'
import type { Linked, Scope } from './store.ts'
import { getThing } from './things.ts'

const principal = z.string().min(1)
const fromHeader = { principal: 'x-amzn-principal' }
const paged = { nextToken: 'nextToken', maxResults: 'maxResults' }
const pages = { nextToken: pageToken, maxResults: pageSize }
const typed = { ...paged, thingPrincipalType: 'thingPrincipalType' }

/** Which certificates belong to which things. A certificate may be inactive here. */
export const principalOperations = [
  operation({
    name: 'AttachThingPrincipal',
    route: 'PUT /things/{thingName}/principals',
    query: { thingPrincipalType: 'thingPrincipalType' },
    headers: fromHeader,
    input: z.object({
      thingName,
      principal,
      thingPrincipalType: principalType.default('NON_EXCLUSIVE_THING'),
    }),
    run({ scope, registry }, input) {
      getThing(registry, scope, input.thingName)
      const id = idOf(scope, input.principal)
      getCertificate(registry, scope, { certificateId: id })
      const attached = registry.attachedThings.targetsOf(scope, id)
      refuseSharing(attached, input.thingName, input.thingPrincipalType)
      registry.attachedThings.put(scope, id, input.thingName, input.thingPrincipalType)
      return {}
    },
  }),

  operation({
    name: 'DetachThingPrincipal',
    route: 'DELETE /things/{thingName}/principals',
    headers: fromHeader,
    input: z.object({ thingName, principal }),
    run({ scope, registry }, input) {
      getThing(registry, scope, input.thingName)
      const id = idOf(scope, input.principal)
      if (registry.attachedThings.find(scope, id, input.thingName) === undefined) {
        throw notFound(`${input.principal} is not attached to thing ${input.thingName}`)
      }
      registry.attachedThings.delete(scope, id, input.thingName)
      return {}
    },
  }),

  operation({
    name: 'ListThingPrincipals',
    route: 'GET /things/{thingName}/principals',
    query: paged,
    input: z.object({ thingName, ...pages }),
    run({ scope, registry }, input) {
      getThing(registry, scope, input.thingName)
      const page = linkPage(registry.attachedThings.sourcesOf(scope, input.thingName), input)
      return {
        principals: page.rows.map(({ name }) => arnOf(scope, 'cert', name)),
        nextToken: page.next,
      }
    },
  }),

  operation({
    name: 'ListThingPrincipalsV2',
    route: 'GET /things/{thingName}/principals-v2',
    query: typed,
    input: z.object({ thingName, ...pages, thingPrincipalType: principalType.optional() }),
    run({ scope, registry }, input) {
      getThing(registry, scope, input.thingName)
      const page = linkPage(registry.attachedThings.sourcesOf(scope, input.thingName), input)
      return {
        thingPrincipalObjects: page.rows.map(({ name, word }) => ({
          principal: arnOf(scope, 'cert', name),
          thingPrincipalType: word,
        })),
        nextToken: page.next,
      }
    },
  }),

  operation({
    name: 'ListPrincipalThings',
    route: 'GET /principals/things',
    query: paged,
    headers: fromHeader,
    input: z.object({ principal, ...pages }),
    run({ scope, registry }, input) {
      const { certificateId } = getCertificate(registry, scope, {
        certificateId: idOf(scope, input.principal),
      })
      const page = linkPage(registry.attachedThings.targetsOf(scope, certificateId), input)
      return { things: page.rows.map(({ name }) => name), nextToken: page.next }
    },
  }),

  operation({
    name: 'ListPrincipalThingsV2',
    route: 'GET /principals/things-v2',
    query: typed,
    headers: fromHeader,
    input: z.object({ principal, ...pages, thingPrincipalType: principalType.optional() }),
    run({ scope, registry }, input) {
      const { certificateId } = getCertificate(registry, scope, {
        certificateId: idOf(scope, input.principal),
      })
      const page = linkPage(registry.attachedThings.targetsOf(scope, certificateId), input)
      return {
        principalThingObjects: page.rows.map(({ name, word }) => ({
          thingName: name,
          thingPrincipalType: word,
        })),
        nextToken: page.next,
      }
    },
  }),
]

function idOf(scope: Scope, arn: string): string {
  const id = findNameInArn(scope, 'cert', arn)
  if (id !== undefined) return id
  throw invalidRequest(`The principal must be the ARN of a certificate in ${scope.region}: ${arn}`)
}

/**
 * An exclusive certificate has one thing ("Exclusive thing", AWS IoT Developer Guide). The guide
 * names no error; InvalidRequestException is the only one of the model that fits.
 */
function refuseSharing(attached: readonly Linked[], thing: string, type: string): void {
  for (const { name, word } of attached) {
    if (name === thing && word === type) continue
    if (type === 'EXCLUSIVE_THING' || word === 'EXCLUSIVE_THING') {
      throw invalidRequest(
        `The certificate is attached to thing ${name} as ${word}; detach it before attaching it as ${type} to ${thing}`,
      )
    }
  }
}

function linkPage(
  links: readonly Linked[],
  input: {
    nextToken?: string | undefined
    maxResults: number
    thingPrincipalType?: string | undefined
  },
) {
  const wanted = links.filter(
    ({ word }) => input.thingPrincipalType === undefined || word === input.thingPrincipalType,
  )
  return pageOf(wanted, ({ name }) => name, { size: input.maxResults, token: input.nextToken })
}
