import type { Scope } from './store.ts'

/** The resource kinds that AWS IoT names by ARN here ("Service Authorization Reference", AWS IoT). */
export type ArnKind = 'thing' | 'cert' | 'policy' | 'thinggroup'

export function arnOf({ accountId, region }: Scope, kind: ArnKind, name: string): string {
  return `arn:aws:iot:${region}:${accountId}:${kind}/${name}`
}

/** The name in an ARN of this kind, account and Region, or undefined for any other text. */
export function findNameInArn(scope: Scope, kind: ArnKind, arn: string): string | undefined {
  const prefix = arnOf(scope, kind, '')
  return arn.startsWith(prefix) && arn.length > prefix.length ? arn.slice(prefix.length) : undefined
}
