import { expect, it } from 'vitest'
import { deployerCredentials } from '../../stacks/deployer-credentials.ts'

it('takes the credentials that SST resolved, whole, else leaves them to the SDK', () => {
  const resolved = { SST_AWS_ACCESS_KEY_ID: 'id', SST_AWS_SECRET_ACCESS_KEY: 'secret' }
  expect(deployerCredentials({ ...resolved, SST_AWS_SESSION_TOKEN: 'token' })).toEqual({
    accessKeyId: 'id',
    secretAccessKey: 'secret',
    sessionToken: 'token',
  })
  expect(deployerCredentials(resolved)).toEqual({ accessKeyId: 'id', secretAccessKey: 'secret' })
  expect(deployerCredentials({ SST_AWS_ACCESS_KEY_ID: 'id' })).toBeUndefined()
  expect(deployerCredentials({})).toBeUndefined()
})
