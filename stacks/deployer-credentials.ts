/**
 * The credentials that SST deploys with, where it has resolved them itself (a profile that asks for MFA,
 * say); undefined: the SDK's own chain finds them.
 */
export function deployerCredentials(env: Readonly<Record<string, string | undefined>>) {
  const accessKeyId = env.SST_AWS_ACCESS_KEY_ID
  const secretAccessKey = env.SST_AWS_SECRET_ACCESS_KEY
  const sessionToken = env.SST_AWS_SESSION_TOKEN
  if (!accessKeyId || !secretAccessKey) return undefined
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }
}
