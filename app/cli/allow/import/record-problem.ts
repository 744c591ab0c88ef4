import { findPinObstacle } from '../../../../regions/pin.ts'
import type { DeviceDetails } from '../../../provisioning/device-event.ts'
import { defaultProductName } from '../../../provisioning/device-record.ts'
import type { RowRules } from './check-row.ts'

type Judged = Pick<DeviceDetails, 'product' | 'regionPin' | 'attributes'>

/**
 * What would keep a device of this record from ever being provisioned, as the rest of a sentence: pure.
 * It needs the whole record, so a row that changes a part is judged once the rest of it is read.
 */
export function findRecordProblem(record: Judged, rules: RowRules): string | undefined {
  return findMissingProduct(record, rules) ?? findPinProblem(record, rules)
}

export function findMissingProduct(
  { product }: Pick<Judged, 'product'>,
  { products }: RowRules,
): string | undefined {
  if (product !== undefined || products.has(defaultProductName)) return undefined
  return `product is missing, and there is no product ${defaultProductName}`
}

export function findPinProblem(
  { product = defaultProductName, regionPin: pin, attributes }: Judged,
  { products }: RowRules,
): string | undefined {
  const policy = products.get(product)?.regionPolicy
  if (pin === undefined || policy === undefined) return undefined
  const obstacle = findPinObstacle(policy, pin, attributes)
  return obstacle && `region_pin ${pin} is not among ${obstacle} of product ${product}`
}
