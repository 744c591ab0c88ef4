import { type DynamoAllowList, dynamoAllowList } from '../../allowlist/dynamo-allow-list.ts'
import { isThingName } from '../../request/thing-name.ts'
import { awsFailure } from '../aws-failure.ts'
import { type AwsAccess, type AwsFlags, openAws } from '../aws-flags.ts'
import { CommandFailure, misuse } from '../failure.ts'

export type AllowListAccess = { readonly aws: AwsAccess; readonly allowList: DynamoAllowList }

/** The allow-list that the flags name; refuses names that no device can have before anything is done. */
export async function openAllowList(
  names: readonly string[],
  flags: AwsFlags,
): Promise<AllowListAccess> {
  const wrong = names.find((name) => !isThingName(name))
  if (wrong !== undefined) {
    throw misuse(
      `${JSON.stringify(wrong)} is no thing name`,
      'a thing name has 1 to 128 characters: letters, digits, ":", "_" and "-"',
    )
  }
  const aws = await openAws(flags)
  return { aws, allowList: dynamoAllowList({ client: aws.dynamodb, table: aws.table }) }
}

/** Runs one call for one device; an AWS failure becomes the command's. */
export async function forDevice<T>(doing: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw error instanceof CommandFailure ? error : awsFailure(doing, error)
  }
}

/** `2 of 3 devices …`, as a failure of the whole command. */
export function someFailed(
  failed: number,
  all: number,
  what: string,
  hint: string,
): CommandFailure {
  return new CommandFailure(`${failed} of ${all} ${all === 1 ? 'device' : 'devices'} ${what}`, {
    hint,
  })
}
