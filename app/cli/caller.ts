import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import type { AwsAccess } from './aws-flags.ts'
import { errorMessage } from './failure.ts'
import type { CommandContext } from './program.ts'

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

/** So long for AWS to say who calls; nothing waits for it for longer. */
const callerSeconds = 10

/** The caller as a record's history names it: `unknown`, with a note, where AWS doesn't tell. */
export async function nameCaller(aws: AwsAccess, { terminal }: CommandContext): Promise<string> {
  try {
    return await callerArn(aws, AbortSignal.timeout(callerSeconds * 1000))
  } catch (error) {
    const why = errorMessage(error)
    terminal.note(`note: AWS doesn’t say who you are, nor will the history: ${why}`)
    return 'unknown'
  }
}

/** The partition and the account of a caller's ARN; undefined where it names none. */
export function findAccount(arn: string): { partition: string; account: string } | undefined {
  const [, partition, account] = /^arn:([^:]+):(?:iam|sts)::(\d{12}):/.exec(arn) ?? []
  return partition === undefined || account === undefined ? undefined : { partition, account }
}
