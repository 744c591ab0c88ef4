/** `arn:<partition>:iam::<account>:role/<path and name>` (IAM, "Identifiers for IAM resources"). */
export const roleArnPattern = /^arn:(aws[a-z-]*):iam::(\d{12}):role\/([\w+=,.@/-]+)$/

/** The partition and the account that a role lies in; throws where the text is no role's ARN. */
export function parseRoleArn(arn: string): { partition: string; account: string } {
  const [, partition, account] = roleArnPattern.exec(arn) ?? []
  if (partition === undefined || account === undefined) throw new Error(`no role ARN: ${arn}`)
  return { partition, account }
}

/** Names a session in CloudTrail: `[\w+=,.@-]{2,64}` (STS AssumeRole, RoleSessionName). */
export function roleSessionName(text: string): string {
  return text.replace(/[^\w+=,.@-]/g, '-').slice(0, 64)
}
