import type { Statement } from '../../stacks/permissions.ts'

/**
 * IAM's rule for statements that only allow; `*` in a resource stands for anything. `leadingKey`: the
 * partition key that the call names, if any.
 */
export function covers(
  statements: readonly Statement[],
  action: string,
  resource: string,
  leadingKey?: string,
): boolean {
  return statements.some(
    (it) =>
      it.actions.includes(action) &&
      (leadingKey === undefined || (it.leadingKeys ?? [leadingKey]).includes(leadingKey)) &&
      it.resources.some((pattern) =>
        pattern.endsWith('*') ? resource.startsWith(pattern.slice(0, -1)) : pattern === resource,
      ),
  )
}
