import { describe, expect, it } from 'vitest'
import { parsePolicy } from '../../../local/iot/policy.ts'

describe('documents', () => {
  const statement = { Effect: 'Allow', Action: 'iot:Connect', Resource: '*' }
  const parse = (more: object, version = '2012-10-17') =>
    parsePolicy(JSON.stringify({ Version: version, Statement: { ...statement, ...more } }))

  it('takes a single statement for a list of one', () => {
    expect(parse({}).Statement).toHaveLength(1)
  })

  it.each([
    [{ NotAction: 'iot:Publish' }, 'statements of Sid, Effect, Action, Resource'],
    [{ NotResource: '*' }, 'statements of Sid, Effect, Action, Resource'],
    [{ Principal: '*' }, 'statements of Sid, Effect, Action, Resource'],
    [{ Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } }, 'condition operators'],
    [{ Effect: 'allow' }, 'Effect'],
    [{ Action: 'Publish' }, 'not an action'],
    [{ Action: [] }, 'Action'],
    [{ Resource: 'topic/a' }, 'not * or an ARN'],
  ])('refuses %j', (more, why) => {
    expect(() => parse(more)).toThrow(why)
  })

  it('refuses an older version, whose variables are plain text', () => {
    expect(() => parse({}, '2008-10-17')).toThrow('2012-10-17')
  })
})
