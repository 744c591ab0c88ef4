export type TableNames = { readonly allowList: string; readonly control: string }

/** The key attributes of both tables, all strings. */
export const tableKeys = {
  allowList: ['thing_name'],
  control: ['kind', 'name'],
} as const satisfies Record<keyof TableNames, readonly string[]>

type Index = { readonly partition: string; readonly sort: string }

/**
 * The allow-list's indexes: devices by status, product and region, newest first. Sparse: a row that only
 * allows a device has no `prov_datetime`, so that loading millions of rows writes none of them here.
 * DynamoDB fills them on its own, after it has answered: no request waits for them.
 */
export const allowListIndexes = {
  by_status: { partition: 'prov_status', sort: 'prov_datetime' },
  by_product: { partition: 'product', sort: 'prov_datetime' },
  by_region: { partition: 'aws_region', sort: 'prov_datetime' },
} as const satisfies Record<string, Index>

/** What an index holds beside the keys of its own and the table's: what a list of devices shows. */
export const indexedAttributes = ['prov_status', 'product', 'aws_region', 'certificate_id'] as const

/** The attributes that an index projects: those that aren't among its keys. */
export function projectionOf({ partition }: Index): string[] {
  return indexedAttributes.filter((name) => name !== partition)
}
