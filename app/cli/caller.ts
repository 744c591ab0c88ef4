import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import type { AwsAccess } from './aws-flags.ts'

/** The ARN that AWS knows this command's caller by, or `unknown`. */
export async function callerArn(aws: AwsAccess, signal: AbortSignal): Promise<string> {
  const sts = aws.sts()
  try {
    const { Arn } = await sts.send(new GetCallerIdentityCommand({}), { abortSignal: signal })
    return Arn ?? 'unknown'
  } finally {
    sts.destroy()
  }
}

/** The partition and the account of a caller's ARN; undefined where it names none. */
export function findAccount(arn: string): { partition: string; account: string } | undefined {
  const [, partition, account] = /^arn:([^:]+):(?:iam|sts)::(\d{12}):/.exec(arn) ?? []
  return partition === undefined || account === undefined ? undefined : { partition, account }
}
