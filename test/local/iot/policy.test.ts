import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { evaluatePolicies, parsePolicy } from '../../../local/iot/policy.ts'
import { devicePolicy } from './device-policy.ts'

const arn = 'arn:aws:iot:eu-west-1:123456789012:'
const clientId = `\${iot:ClientId}`
const thingName = `\${iot:Connection.Thing.ThingName}`
const literalStar = `\${*}`

type Part = {
  Effect?: string
  Action?: string | string[]
  Resource?: string | string[]
  Condition?: object
}

/** Statements under `arn`; an Allow of everything where a part isn't given. */
function policy(...parts: Part[]) {
  const full = (text: string) => (text === '*' ? text : arn + text)
  return parsePolicy(
    JSON.stringify({
      Version: '2012-10-17',
      Statement: parts.map(({ Effect = 'Allow', Action = 'iot:*', Resource = '*', ...rest }) => ({
        Effect,
        Action,
        Resource: typeof Resource === 'string' ? full(Resource) : Resource.map(full),
        ...rest,
      })),
    }),
  )
}

const attached = {
  'iot:ClientId': 'pump-1',
  'iot:Connection.Thing.ThingName': 'pump-1',
  'iot:Connection.Thing.IsAttached': 'true',
  'iot:Connection.Thing.Attributes[site]': 'north',
}
const strange = { 'iot:ClientId': 'pump-1', 'iot:Connection.Thing.IsAttached': 'false' }

function decide(
  parts: Part[],
  action: string,
  resource: string,
  variables: Record<string, string> = attached,
) {
  return evaluatePolicies([policy(...parts)], {
    action,
    resource: arn + resource,
    variables: new Map(Object.entries(variables)),
  })
}

describe('resources', () => {
  it.each([
    // "AWS IoT Core policy resources": * is any run, ? any one character, slashes included.
    ['topic/a/b', 'topic/a/b', 'allow'],
    ['topic/a/*', 'topic/a/b/c', 'allow'],
    ['topic/a/*', 'topic/a/', 'allow'],
    ['topic/a/*', 'topic/a', 'implicitDeny'],
    ['topic/a*', 'topic/a', 'allow'],
    ['topic/*/c', 'topic/a/b/c', 'allow'],
    ['topic/*/c', 'topic/a/b/d', 'implicitDeny'],
    ['topic/*b*d', 'topic/abcbd', 'allow'],
    ['topic/?', 'topic/a', 'allow'],
    ['topic/?', 'topic//', 'allow'],
    ['topic/?', 'topic/ab', 'implicitDeny'],
    ['topic/?', 'topic/', 'implicitDeny'],
    ['topic/?', 'topic/🚰', 'allow'],
    ['*', 'topic/a', 'allow'],
    // + and # are plain characters of a policy.
    ['topicfilter/a/+', 'topicfilter/a/+', 'allow'],
    ['topicfilter/a/+', 'topicfilter/a/b', 'implicitDeny'],
    ['topicfilter/a/#', 'topicfilter/a/#', 'allow'],
    ['topicfilter/a/#', 'topicfilter/a/b', 'implicitDeny'],
    ['topicfilter/a/*', 'topicfilter/a/#', 'allow'],
    ['topicfilter/a/*', 'topicfilter/a/+/b', 'allow'],
    ['topicfilter/a/?', 'topicfilter/a/#', 'allow'],
    // topicfilter is for Subscribe, topic for the rest: neither stands for the other.
    ['topic/a/*', 'topicfilter/a/b', 'implicitDeny'],
    ['topicfilter/a/*', 'topic/a/b', 'implicitDeny'],
    ['client/*', 'topic/a', 'implicitDeny'],
    // Case counts, and nothing is a regular expression.
    ['topic/A', 'topic/a', 'implicitDeny'],
    ['topic/a.c', 'topic/abc', 'implicitDeny'],
    ['topic/a[b]', 'topic/a[b]', 'allow'],
    [`topic/${literalStar}`, 'topic/*', 'allow'],
    [`topic/${literalStar}`, 'topic/a', 'implicitDeny'],
    ['topic/$aws/things/*', 'topic/$aws/things/a', 'allow'],
  ])('%s on %s: %s', (pattern, resource, decision) => {
    expect(decide([{ Resource: pattern }], 'iot:Publish', resource)).toBe(decision)
  })

  it('takes any of a list', () => {
    const parts = [{ Resource: ['topic/a', 'topic/b'] }]
    expect(decide(parts, 'iot:Publish', 'topic/b')).toBe('allow')
    expect(decide(parts, 'iot:Publish', 'topic/c')).toBe('implicitDeny')
  })

  it('belongs to its Region and account', () => {
    const request = { action: 'iot:Publish', variables: new Map<string, string>() }
    for (const resource of [
      'arn:aws:iot:us-east-1:123456789012:topic/a',
      'arn:aws:iot:eu-west-1:210987654321:topic/a',
    ]) {
      expect(evaluatePolicies([policy({ Resource: 'topic/*' })], { ...request, resource })).toBe(
        'implicitDeny',
      )
    }
  })
})

describe('actions', () => {
  it.each([
    ['iot:Publish', 'iot:Publish', 'allow'],
    ['iot:publish', 'iot:Publish', 'allow'],
    ['iot:*', 'iot:Receive', 'allow'],
    ['iot:*Publish', 'iot:RetainPublish', 'allow'],
    ['*', 'iot:Connect', 'allow'],
    ['iot:Publish', 'iot:RetainPublish', 'implicitDeny'],
    ['iot:Publish', 'iot:Receive', 'implicitDeny'],
    ['iotjobsdata:*', 'iot:Publish', 'implicitDeny'],
    [['iot:Connect', 'iot:Receive'], 'iot:Receive', 'allow'],
    [['iot:Connect', 'iot:Receive'], 'iot:Subscribe', 'implicitDeny'],
  ])('%j for %s: %s', (Action, asked, decision) => {
    expect(decide([{ Action }], asked, 'topic/a')).toBe(decision)
  })
})

describe('effects', () => {
  it('denies without a statement that matches', () => {
    expect(evaluatePolicies([], { action: 'a', resource: 'r', variables: new Map() })).toBe(
      'implicitDeny',
    )
  })

  it('lets an explicit Deny win, wherever it stands', () => {
    const deny = { Effect: 'Deny', Resource: 'topic/secret/*' }
    for (const parts of [
      [{}, deny],
      [deny, {}],
    ]) {
      expect(decide(parts, 'iot:Publish', 'topic/secret/a')).toBe('explicitDeny')
      expect(decide(parts, 'iot:Publish', 'topic/open')).toBe('allow')
    }
  })

  it('lets a Deny of one policy win over an Allow of another', () => {
    const documents = [policy({}), policy({ Effect: 'Deny', Action: 'iot:Publish' })]
    const request = { resource: `${arn}topic/a`, variables: new Map<string, string>() }
    expect(evaluatePolicies(documents, { ...request, action: 'iot:Publish' })).toBe('explicitDeny')
    expect(evaluatePolicies(documents, { ...request, action: 'iot:Receive' })).toBe('allow')
  })
})

describe('variables', () => {
  it.each([
    [`client/${clientId}`, 'client/pump-1', 'allow'],
    [`client/${clientId}`, 'client/pump-2', 'implicitDeny'],
    [`topic/data/${thingName}/*`, 'topic/data/pump-1/t', 'allow'],
    [`topic/data/${thingName}/*`, 'topic/data/pump-2/t', 'implicitDeny'],
    [`topic/\${iot:Connection.Thing.Attributes[site]}/*`, 'topic/north/a', 'allow'],
    [`topic/${clientId}/${thingName}`, 'topic/pump-1/pump-1', 'allow'],
    [`topic/\${iot:Nothing}`, 'topic/', 'implicitDeny'],
    [`topic/\${iot:Nothing}`, `topic/\${iot:Nothing}`, 'implicitDeny'],
    [`topic/\${unclosed`, `topic/\${unclosed`, 'allow'],
  ])('%s on %s: %s', (pattern, resource, decision) => {
    expect(decide([{ Resource: pattern }], 'iot:Publish', resource)).toBe(decision)
  })

  it('denies where the thing is not resolved', () => {
    const parts = [{ Resource: `topic/data/${thingName}/*` }]
    expect(decide(parts, 'iot:Publish', 'topic/data/pump-1/t', strange)).toBe('implicitDeny')
    const either = [{ Resource: ['topic/open', `topic/data/${thingName}/*`] }]
    expect(decide(either, 'iot:Publish', 'topic/open')).toBe('allow')
    expect(decide(either, 'iot:Publish', 'topic/open', strange)).toBe('implicitDeny')
  })

  it('takes wildcards in a value for plain characters', () => {
    const parts = [{ Resource: `topic/${clientId}/t` }]
    const variables = { 'iot:ClientId': '*' }
    expect(decide(parts, 'iot:Publish', 'topic/*/t', variables)).toBe('allow')
    expect(decide(parts, 'iot:Publish', 'topic/other/t', variables)).toBe('implicitDeny')
  })
})

describe('conditions', () => {
  const isAttached = 'iot:Connection.Thing.IsAttached'
  const site = 'iot:Connection.Thing.Attributes[site]'
  it.each([
    [{ Bool: { [isAttached]: 'true' } }, attached, 'allow'],
    [{ Bool: { [isAttached]: true } }, attached, 'allow'],
    [{ Bool: { [isAttached]: 'True' } }, attached, 'allow'],
    [{ Bool: { [isAttached]: 'true' } }, strange, 'implicitDeny'],
    [{ Bool: { [isAttached]: ['true', 'false'] } }, strange, 'allow'],
    [{ Bool: { 'iot:Nothing': 'false' } }, attached, 'implicitDeny'],
    [{ StringEquals: { [site]: 'north' } }, attached, 'allow'],
    [{ StringEquals: { [site]: ['south', 'north'] } }, attached, 'allow'],
    [{ StringEquals: { [site]: 'n*' } }, attached, 'implicitDeny'],
    [{ StringEquals: { [site]: 'north' } }, strange, 'implicitDeny'],
    [{ StringEquals: { 'iot:ClientId': thingName } }, attached, 'allow'],
    [{ StringEquals: { 'iot:ClientId': thingName } }, strange, 'implicitDeny'],
    [{ StringNotEquals: { [site]: 'south' } }, attached, 'allow'],
    [{ StringNotEquals: { [site]: ['south', 'north'] } }, attached, 'implicitDeny'],
    [{ StringNotEquals: { [site]: 'north' } }, strange, 'allow'],
    [{ StringNotEquals: { 'iot:ClientId': thingName } }, strange, 'implicitDeny'],
    [{ StringLike: { [site]: 'n*' } }, attached, 'allow'],
    [{ StringLike: { [site]: 's*' } }, attached, 'implicitDeny'],
    [{ StringLike: { [site]: '*' } }, strange, 'implicitDeny'],
    // All operators and all keys hold, or the statement doesn't match.
    [
      { Bool: { [isAttached]: 'true' }, StringEquals: { [site]: 'south' } },
      attached,
      'implicitDeny',
    ],
    [{ StringEquals: { [site]: 'north', 'iot:ClientId': 'pump-2' } }, attached, 'implicitDeny'],
    [{ StringEquals: { [site]: 'north', 'iot:ClientId': 'pump-1' } }, attached, 'allow'],
    [{}, strange, 'allow'],
  ])('%j: %j is %s', (Condition, variables, decision) => {
    expect(decide([{ Condition }], 'iot:Connect', 'client/pump-1', variables)).toBe(decision)
  })
})

describe('the default device policy', () => {
  const documents = [parsePolicy(devicePolicy('eu-west-1', '123456789012'))]
  it.each([
    ['iot:Connect', 'client/pump-1', attached, 'allow'],
    ['iot:Connect', 'client/pump-2', attached, 'implicitDeny'],
    ['iot:Connect', 'client/pump-1', strange, 'implicitDeny'],
    ['iot:Publish', 'topic/data/pump-1/t', attached, 'allow'],
    ['iot:Publish', 'topic/data/pump-2/t', attached, 'implicitDeny'],
    ['iot:Publish', 'topic/data/pump-1', attached, 'implicitDeny'],
    ['iot:Publish', 'topic/$aws/things/pump-1/shadow/update', attached, 'allow'],
    ['iot:RetainPublish', 'topic/data/pump-1/t', attached, 'implicitDeny'],
    ['iot:Subscribe', 'topicfilter/data/pump-1/#', attached, 'allow'],
    ['iot:Subscribe', 'topicfilter/data/+/t', attached, 'implicitDeny'],
    ['iot:Subscribe', 'topicfilter/#', attached, 'implicitDeny'],
    ['iot:Receive', 'topic/data/pump-1/t', attached, 'allow'],
    ['iot:Receive', 'topic/data/pump-1/t', strange, 'implicitDeny'],
  ])('%s on %s with %j: %s', (action, resource, variables, decision) => {
    expect(
      evaluatePolicies(documents, {
        action,
        resource: arn + resource,
        variables: new Map(Object.entries(variables)),
      }),
    ).toBe(decision)
  })
})

describe('always', () => {
  const word = fc.stringMatching(/^[a-z/+#*?$.-]{0,12}$/)

  it('matches a pattern that is its own text, and every text by a star', () => {
    fc.assert(
      fc.property(word, (text) => {
        const variables = { 'iot:ClientId': text }
        const asks = (Resource: string) =>
          decide([{ Resource }], 'iot:Publish', `topic/${text}`, variables)
        expect(asks(`topic/${clientId}`)).toBe('allow')
        expect(asks('topic/*')).toBe('allow')
        expect(asks(`topic/${text}*`)).toBe('allow')
      }),
    )
  })

  it('agrees with a regular expression of the same meaning', () => {
    const short = fc.stringMatching(/^[ab/*?]{0,8}$/)
    fc.assert(
      fc.property(short, fc.stringMatching(/^[ab/]{0,10}$/), (pattern, text) => {
        const meaning = pattern.replaceAll('*', '.*').replaceAll('?', '.')
        const expected = new RegExp(`^${meaning}$`, 's').test(text) ? 'allow' : 'implicitDeny'
        expect(decide([{ Resource: `topic/${pattern}` }], 'iot:Publish', `topic/${text}`)).toBe(
          expected,
        )
      }),
      { numRuns: 1000 },
    )
  })

  it('never allows more once a Deny is added', () => {
    fc.assert(
      fc.property(word, word, (pattern, text) => {
        const asked = `topic/${text}`
        const deny = { Effect: 'Deny', Resource: `topic/${pattern}` }
        const denied = decide([{}, deny], 'iot:Publish', asked)
        const allowed = decide([{ Resource: `topic/${pattern}` }], 'iot:Publish', asked)
        expect(denied).toBe(allowed === 'allow' ? 'explicitDeny' : 'allow')
      }),
    )
  })
})
