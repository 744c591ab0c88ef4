import { type DeviceStatus, defaultProductName } from '../provisioning/device-record.ts'
import type { Row } from './device-row.ts'

/** Which devices are meant; whatever is absent matches every row. */
export type DeviceFilter = {
  readonly status?: DeviceStatus
  /** `default` means the rows that name no product, too. */
  readonly product?: string
  /** The region that the row names: of the assignment, or of the attempt under way. */
  readonly region?: string
  /** Since when the status is what it is: from then on, epoch milliseconds. */
  readonly since?: number
  /** Until then, epoch milliseconds. A device that only may ask has no such time, and matches neither. */
  readonly until?: number
}

/** The members of a Query or Scan that express it; none where everything matches. */
export type FilterExpression = {
  readonly FilterExpression?: string
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>
  readonly ExpressionAttributeValues?: Row
}

/**
 * The filter as DynamoDB takes it, without the attributes that an index's key stands for: a filter may
 * not name those. Pure.
 */
export function renderFilter(filter: DeviceFilter, keys: readonly string[] = []): FilterExpression {
  const { status, product, region, since, until } = filter
  const conditions: string[] = []
  const names: Record<string, string> = {}
  const values: Row = {}
  const compare = (attribute: string, short: string, operator: string, value: string) => {
    if (keys.includes(attribute)) return
    names[`#${short}`] = attribute
    const name = `:${short}${operator === '<=' ? 'Until' : ''}`
    values[name] = { S: value }
    conditions.push(`#${short} ${operator} ${name}`)
  }
  if (status !== undefined) compare('prov_status', 'status', '=', status)
  if (product === defaultProductName && !keys.includes('product')) {
    names['#product'] = 'product'
    values[':product'] = { S: product }
    conditions.push('(attribute_not_exists(#product) OR #product = :product)')
  } else if (product !== undefined) compare('product', 'product', '=', product)
  if (region !== undefined) compare('aws_region', 'region', '=', region)
  if (since !== undefined) compare('prov_datetime', 'at', '>=', rowTime(since))
  if (until !== undefined) compare('prov_datetime', 'at', '<=', rowTime(until))
  if (conditions.length === 0) return {}
  return {
    FilterExpression: conditions.join(' AND '),
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  }
}

/** As the rows have it: UTC, whole seconds, no zone; so their order is that of the times. */
export function rowTime(epochMilliseconds: number): string {
  return new Date(epochMilliseconds).toISOString().slice(0, 19)
}
