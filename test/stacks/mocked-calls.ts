import { z } from 'zod'
import type { MockedAws } from './mocked-outputs.ts'

type Answer = Record<string, unknown>

/**
 * What the AWS provider answers to a program's questions (`aws.getRegion` and the like). `region`: of the
 * provider asked, unless the question names one. Throws on a question that isn't known.
 */
export function mockedCall(
  aws: MockedAws,
  token: string,
  inputs: Readonly<Record<string, unknown>>,
  region: string,
): Answer {
  switch (token) {
    case 'aws:index/getRegion:getRegion':
      return { id: region, region, name: region, endpoint: `ec2.${region}.amazonaws.com` }
    case 'aws:index/getPartition:getPartition':
      return {
        id: 'aws',
        partition: 'aws',
        dnsSuffix: 'amazonaws.com',
        reverseDnsPrefix: 'com.amazonaws',
      }
    case 'aws:index/getCallerIdentity:getCallerIdentity':
      return {
        id: aws.account,
        accountId: aws.account,
        arn: `arn:aws:iam::${aws.account}:user/deployer`,
        userId: 'AIDADEPLOYER',
      }
    case 'aws:iam/getPolicyDocument:getPolicyDocument': {
      const json = JSON.stringify(policyDocument(inputs), undefined, 2)
      // As every answer of Pulumi's does, this one repeats what was asked: SST reads the statements.
      return { ...inputs, id: 'document', json, minifiedJson: JSON.stringify(JSON.parse(json)) }
    }
    case 'aws:iot/getEndpoint:getEndpoint': {
      if (inputs.endpointType !== 'iot:Data-ATS') throw new Error('no other endpoint type is known')
      return {
        id: region,
        ...inputs,
        endpointAddress: `a1b2c3d4e5f6g7-ats.iot.${region}.amazonaws.com`,
      }
    }
    case 'aws:route53/getZone:getZone':
      return hostedZone(aws, inputs)
  }
  throw new Error(`the mocks don't know the call ${token}`)
}

function hostedZone({ hostedZones }: MockedAws, inputs: Readonly<Record<string, unknown>>): Answer {
  const found = Object.entries(hostedZones).find(
    ([id, domain]) =>
      id === inputs.zoneId || domain === String(inputs.name ?? '').replace(/\.$/, ''),
  )
  if (found === undefined) throw new Error(`no hosted zone ${inputs.zoneId ?? inputs.name}`)
  const [zoneId, name] = found
  return { id: zoneId, zoneId, name, arn: `arn:aws:route53:::hostedzone/${zoneId}` }
}

const texts = z.array(z.string()).optional()
const principals = z.array(z.strictObject({ type: z.string(), identifiers: z.array(z.string()) }))
const documentSchema = z.strictObject({
  version: z.string().default('2012-10-17'),
  policyId: z.string().optional(),
  statements: z.array(
    z.strictObject({
      sid: z.string().optional(),
      effect: z.enum(['Allow', 'Deny']).default('Allow'),
      actions: texts,
      notActions: texts,
      resources: texts,
      notResources: texts,
      principals: principals.optional(),
      notPrincipals: principals.optional(),
      conditions: z
        .array(
          z.strictObject({ test: z.string(), variable: z.string(), values: z.array(z.string()) }),
        )
        .optional(),
    }),
  ),
})

/** The document as AWS takes it, with every list kept a list. Other fields are refused. */
function policyDocument(inputs: Readonly<Record<string, unknown>>): Answer {
  const { version, policyId, statements } = documentSchema.parse(inputs)
  return {
    Version: version,
    ...(policyId && { Id: policyId }),
    Statement: statements.map((it) => ({
      ...(it.sid && { Sid: it.sid }),
      Effect: it.effect,
      ...(it.principals && { Principal: principalsOf(it.principals) }),
      ...(it.notPrincipals && { NotPrincipal: principalsOf(it.notPrincipals) }),
      ...(it.actions && { Action: it.actions }),
      ...(it.notActions && { NotAction: it.notActions }),
      ...(it.resources && { Resource: it.resources }),
      ...(it.notResources && { NotResource: it.notResources }),
      ...(it.conditions && { Condition: conditionsOf(it.conditions) }),
    })),
  }
}

function principalsOf(principals: { type: string; identifiers: string[] }[]): unknown {
  if (principals.some((it) => it.type === '*')) return '*'
  return Object.fromEntries(principals.map((it) => [it.type, it.identifiers]))
}

function conditionsOf(conditions: { test: string; variable: string; values: string[] }[]): Answer {
  const tests: Record<string, Record<string, string[]>> = {}
  for (const { test, variable, values } of conditions)
    tests[test] = { ...tests[test], [variable]: values }
  return tests
}
