import type { Statement } from '../../stacks/permissions.ts'

/** IAM's rule for statements that only allow; `*` in a resource stands for anything. */
export function covers(
  statements: readonly Statement[],
  action: string,
  resource: string,
): boolean {
  return statements.some(
    (it) =>
      it.actions.includes(action) &&
      it.resources.some((pattern) =>
        pattern.endsWith('*') ? resource.startsWith(pattern.slice(0, -1)) : pattern === resource,
      ),
  )
}
