import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { CommandFailure } from '../failure.ts'
import { type Check, check } from './check.ts'
import type { DoctorSetup } from './setup.ts'

/** AWS refuses signatures five minutes off; half of that is worth a word. */
const MAX_SKEW_SECONDS = 150

/** Who the credentials are, and how far this machine's clock is from AWS's. */
export async function checkAccount(setup: DoctorSetup): Promise<Check[]> {
  const sts = new STSClient({ ...setup.clientConfig, region: setup.config.region })
  let date: string | undefined
  // The innermost deserializer sees the answer before it is read, an error's too.
  sts.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      date = dateOf(result.response)
      return result
    },
    { step: 'deserialize', priority: 'low', name: 'readDate' },
  )
  const askedAt = Date.now()
  try {
    const credentials = await check(
      'credentials',
      'set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_ENDPOINT_URL where AWS isn’t AWS',
      async () => {
        const { Arn } = await sts.send(new GetCallerIdentityCommand({}))
        return Arn ?? 'an unnamed caller'
      },
    )
    const clock = await check('clock', 'set this machine’s clock (NTP)', async () => {
      if (date === undefined) throw new CommandFailure('AWS answered no time to compare with')
      // The header has whole seconds; half the round trip is noise beside that.
      const skew = Math.round((askedAt - Date.parse(date)) / 1000)
      if (Math.abs(skew) > MAX_SKEW_SECONDS) throw new CommandFailure(`${skew} s off AWS’s clock`)
      return `${Math.abs(skew)} s off AWS’s clock`
    })
    return [credentials, clock]
  } finally {
    sts.destroy()
  }
}

function dateOf(response: unknown): string | undefined {
  if (typeof response !== 'object' || response === null || !('headers' in response))
    return undefined
  const { headers } = response
  if (typeof headers !== 'object' || headers === null || !('date' in headers)) return undefined
  return typeof headers.date === 'string' ? headers.date : undefined
}
