import { createHash } from 'node:crypto'
import { secretValue } from './plain-value.ts'

export type MockedAws = {
  readonly account: string
  /** Hosted zones that the account holds: id to domain. */
  readonly hostedZones: Readonly<Record<string, string>>
}

type Resource = {
  readonly type: string
  readonly name: string
  readonly inputs: Readonly<Record<string, unknown>>
  readonly region: string
}
type Outputs = { readonly id: string; readonly state: Record<string, unknown> }

/**
 * What AWS would answer when a resource is made: its id, its ARN and whatever else programs read from it.
 * A type that isn't named here gets an id and an ARN of the usual form.
 */
export function mockedOutputs(aws: MockedAws, resource: Resource): Outputs {
  const { type, name, inputs, region } = resource
  const physical = text(inputs.name) ?? text(inputs.bucket) ?? name
  const id = stableText(`${type} ${name} ${region}`, 10)
  const arn = (service: string, rest: string, where = region) =>
    `arn:aws:${service}:${where}:${aws.account}:${rest}`
  const [, module = '', kind = ''] = type.split(/[:/]/)

  switch (type) {
    case 'aws:iam/role:Role':
      return {
        id: physical,
        state: {
          name: physical,
          arn: arn('iam', `role${text(inputs.path) ?? '/'}${physical}`, ''),
          uniqueId: `AROA${id.toUpperCase()}`,
        },
      }
    case 'aws:dynamodb/table:Table':
      return { id: physical, state: { name: physical, arn: arn('dynamodb', `table/${physical}`) } }
    case 'aws:lambda/function:Function': {
      const functionArn = arn('lambda', `function:${physical}`)
      const invokeArn = `arn:aws:apigateway:${region}:lambda:path/2015-03-31/functions/${functionArn}/invocations`
      const qualifiedArn = `${functionArn}:1`
      const state = { name: physical, arn: functionArn, invokeArn, qualifiedArn, version: '1' }
      return { id: physical, state }
    }
    case 'aws:cloudwatch/logGroup:LogGroup':
      return { id: physical, state: { name: physical, arn: arn('logs', `log-group:${physical}`) } }
    case 'aws:cloudwatch/metricAlarm:MetricAlarm':
      return {
        id: physical,
        state: { name: physical, arn: arn('cloudwatch', `alarm:${physical}`) },
      }
    case 'aws:sns/topic:Topic': {
      const topicArn = arn('sns', physical)
      return { id: topicArn, state: { name: physical, arn: topicArn } }
    }
    case 'aws:sqs/queue:Queue': {
      const url = `https://sqs.${region}.amazonaws.com/${aws.account}/${physical}`
      return { id: url, state: { name: physical, arn: arn('sqs', physical), url } }
    }
    case 'aws:scheduler/schedule:Schedule':
      return {
        id: physical,
        state: { name: physical, arn: arn('scheduler', `schedule/default/${physical}`) },
      }
    case 'aws:iot/policy:Policy':
      return { id: physical, state: { name: physical, arn: arn('iot', `policy/${physical}`) } }
    case 'aws:apigatewayv2/api:Api': {
      const apiEndpoint = `https://${id}.execute-api.${region}.amazonaws.com`
      return { id, state: { name: physical, apiEndpoint, executionArn: arn('execute-api', id) } }
    }
    case 'aws:apigatewayv2/domainName:DomainName': {
      const configuration =
        typeof inputs.domainNameConfiguration === 'object' ? inputs.domainNameConfiguration : {}
      const targetDomainName = `d-${id}.execute-api.${region}.amazonaws.com`
      const hostedZoneId = `Z${id.toUpperCase()}`
      return {
        id: text(inputs.domainName) ?? physical,
        state: { domainNameConfiguration: { ...configuration, targetDomainName, hostedZoneId } },
      }
    }
    case 'aws:acm/certificate:Certificate': {
      const domainName = text(inputs.domainName) ?? ''
      const certificateArn = arn('acm', `certificate/${id}`)
      const record = {
        domainName,
        resourceRecordName: `_${id}.${domainName}.`,
        resourceRecordType: 'CNAME',
        resourceRecordValue: `_${id}.acm-validations.aws.`,
      }
      return {
        id: certificateArn,
        state: { arn: certificateArn, domainValidationOptions: [record] },
      }
    }
    case 'aws:route53/record:Record':
      return { id: `${text(inputs.zoneId)}_${physical}`, state: { fqdn: physical } }
    case 'random:index/randomBytes:RandomBytes':
    case 'random:index/randomPassword:RandomPassword': {
      const bytes = createHash('sha512').update(name).digest().subarray(0, Number(inputs.length))
      const [base64, hex] = [bytes.toString('base64'), bytes.toString('hex')]
      // The provider marks these as secret, whatever went in.
      const state = { base64: secretValue(base64), hex: secretValue(hex), result: secretValue(hex) }
      return { id, state }
    }
    case 'pulumi-nodejs:dynamic:Resource':
      return { id, state: dynamicState(aws, name, inputs) }
  }
  if (!type.startsWith('aws:')) return { id, state: {} }
  return { id: physical, state: { name: physical, arn: arn(module, `${kind}/${physical}`) } }
}

/** SST's own resources, which its CLI performs. */
function dynamicState(
  aws: MockedAws,
  name: string,
  inputs: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  if (!name.endsWith('.sst.aws.HostedZoneLookup')) {
    throw new Error(`the mocks don't know the dynamic resource ${name}`)
  }
  const domain = text(inputs.domain) ?? ''
  const zone = Object.entries(aws.hostedZones).find(([, zoneDomain]) => domain.endsWith(zoneDomain))
  if (zone === undefined) throw new Error(`no hosted zone of the account holds ${domain}`)
  return { zoneId: zone[0] }
}

function stableText(seed: string, length: number): string {
  return createHash('sha256').update(seed).digest('hex').slice(0, length)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
