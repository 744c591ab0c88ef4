import { X509Certificate } from 'node:crypto'
import { arnOf } from './arn.ts'
import { type Decision, evaluatePolicies, type PolicyDocument, parsePolicy } from './policy.ts'
import type { Variables } from './policy-pattern.ts'
import type { Certificate, Registry, Thing } from './registry.ts'
import type { Scope } from './store.ts'

/** The actions a broker asks about, with the kind of resource each one names. */
const resourceKinds = {
  'iot:Connect': 'client',
  'iot:Publish': 'topic',
  'iot:RetainPublish': 'topic',
  'iot:Receive': 'topic',
  'iot:Subscribe': 'topicfilter',
} as const

export type MqttAction = keyof typeof resourceKinds

/** `name`: the client id, topic or topic filter that the action is about. */
export type MqttRequest = {
  readonly certificateId: string
  readonly clientId: string
  readonly action: MqttAction
  readonly name: string
}

/** Decides by the registry as it is now: a policy attached or detached counts from the next packet. */
export function decide(registry: Registry, scope: Scope, request: MqttRequest): Decision {
  const certificate = registry.certificates.find(scope, request.certificateId)
  if (certificate === undefined) return 'implicitDeny'
  const thing = findConnectionThing(registry, scope, request)
  const policies = namesOfPolicies(registry, scope, request.certificateId, thing).flatMap(
    (name) => registry.policies.find(scope, name) ?? [],
  )
  return evaluatePolicies(
    policies.map((policy) => parsedPolicy(policy.document)),
    {
      action: request.action,
      resource: `arn:aws:iot:${scope.region}:${scope.accountId}:${resourceKinds[request.action]}/${request.name}`,
      variables: variablesOf(certificate, request.clientId, thing),
    },
  )
}

/**
 * The thing a connection acts as: of those its certificate is attached to, the one its client id
 * names; an exclusive certificate has its one thing whatever the client id ("Thing policy variables").
 */
function findConnectionThing(
  registry: Registry,
  scope: Scope,
  { certificateId, clientId }: MqttRequest,
): Thing | undefined {
  const attached = registry.attachedThings.targetsOf(scope, certificateId)
  const link = attached.find(({ name, word }) => name === clientId || word === 'EXCLUSIVE_THING')
  return link && registry.things.find(scope, link.name)
}

/** A thing group's policies count for the things in it. */
function namesOfPolicies(
  registry: Registry,
  scope: Scope,
  certificateId: string,
  thing: Thing | undefined,
): string[] {
  const groups = thing ? registry.groupsOfThings.targetsOf(scope, thing.thingName) : []
  const targets = [
    arnOf(scope, 'cert', certificateId),
    ...groups.map(({ name }) => arnOf(scope, 'thinggroup', name)),
  ]
  return targets.flatMap((target) =>
    registry.attachedPolicies.targetsOf(scope, target).map(({ name }) => name),
  )
}

/** "Basic", "Thing" and "X.509 Certificate AWS IoT Core policy variables" of the Developer Guide. */
function variablesOf(
  certificate: Certificate,
  clientId: string,
  thing: Thing | undefined,
): Variables {
  const variables = new Map([
    ['iot:ClientId', clientId],
    ['iot:CertificateId', certificate.certificateId],
    ['iot:Connection.Thing.IsAttached', String(thing !== undefined)],
    ...certificateVariables(certificate.pem),
  ])
  if (thing === undefined) return variables
  variables.set('iot:Connection.Thing.ThingName', thing.thingName)
  for (const [name, value] of Object.entries(thing.attributes)) {
    variables.set(`iot:Connection.Thing.Attributes[${name}]`, value)
  }
  return variables
}

const attributeNames = new Map([
  ['C', 'Country'],
  ['O', 'Organization'],
  ['OU', 'OrganizationalUnit'],
  ['ST', 'State'],
  ['CN', 'CommonName'],
])

function certificateVariables(pem: string): [string, string][] {
  const certificate = new X509Certificate(pem)
  const ofName = (prefix: string, text: string): [string, string][] =>
    text.split('\n').flatMap((line): [string, string][] => {
      const [short = '', value = ''] = line.split('=', 2)
      const name = attributeNames.get(short)
      return name === undefined ? [] : [[`iot:Certificate.${prefix}.${name}`, value]]
    })
  return [
    ...ofName('Subject', certificate.subject),
    ...ofName('Issuer', certificate.issuer),
    ['iot:Certificate.SerialNumber', certificate.serialNumber],
  ]
}

/** A fleet shares few documents, and each packet asks: parsed once each, by text. */
const parsed = new Map<string, PolicyDocument>()
const mostParsed = 1000

function parsedPolicy(text: string): PolicyDocument {
  const known = parsed.get(text)
  if (known !== undefined) return known
  if (parsed.size >= mostParsed) parsed.clear()
  const document = parsePolicy(text)
  parsed.set(text, document)
  return document
}
