import * as z from 'zod'
import { tableArnOf } from './dynamodb.ts'
import type { ServiceRequest } from './service.ts'
import { parametersOf } from './sts.ts'

/** The ARN of what a request acts on, as an access-denied message names it, or `*`. */
export function resourceOf(operation: string, request: ServiceRequest, accountId: string): string {
  switch (request.service) {
    case 'dynamodb':
      return operation === 'ListTables' ? '*' : tableArnOf(request, accountId)
    case 'sts':
      return parametersOf(request).get('RoleArn') ?? '*'
    case 'iot':
      return iotResourceOf(request, accountId)
    default:
      return '*'
  }
}

/** The partition key of an item that is put into the control table; undefined for everything else. */
export function leadingKeyOf(operation: string, request: ServiceRequest): string | undefined {
  if (request.service !== 'dynamodb' || operation !== 'PutItem') return undefined
  try {
    const { data } = putItem.safeParse(JSON.parse(request.body.toString()))
    return data?.Item.kind.S
  } catch {
    return undefined
  }
}

const putItem = z.object({ Item: z.object({ kind: z.object({ S: z.string() }) }) })

const IOT_RESOURCES = new Map([
  ['things', 'thing'],
  ['certificates', 'cert'],
  ['policies', 'policy'],
  ['target-policies', 'policy'],
  ['thing-groups', 'thinggroup'],
])

function iotResourceOf(request: ServiceRequest, accountId: string): string {
  const [, collection = '', name] = request.path.split('/')
  const kind = IOT_RESOURCES.get(collection)
  if (!kind || !name) return '*'
  return `arn:aws:iot:${request.region}:${accountId}:${kind}/${decodePath(name)}`
}

function decodePath(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
