/** Under this key Pulumi's wire says what an object stands for (runtime/rpc.js of its SDK). */
const signatureKey = '4dabf18193072939515e22adb298388d'
const secret = '1b47061264138c4ac30d75fd1eb44270'
const asset = 'c44067f5952c0a294b673a41bacd8c17'
const archive = '0def7320c3a5731c473e5ecbe6d01bc7'
const resource = '5cf8f73096256a8f31e491e813e4eb8e'

/**
 * A value off Pulumi's wire as plain data. `onSecret` gets the path of each value that was wrapped as a
 * secret, e.g. `environment.variables`.
 */
export function plainValue(
  value: unknown,
  onSecret: (path: string) => void = () => {},
  path = '',
): unknown {
  if (Array.isArray(value)) {
    return value.map((each, index) => plainValue(each, onSecret, joined(path, String(index))))
  }
  if (typeof value !== 'object' || value === null) return value
  const members: Record<string, unknown> = { ...value }
  switch (members[signatureKey]) {
    case secret:
      onSecret(path)
      return plainValue(members.value, onSecret, path)
    case asset:
      return { asset: members.path ?? members.text ?? members.uri }
    case archive:
      return { archive: members.path ?? members.uri ?? plainValue(members.assets, onSecret, path) }
    case resource:
      return { resource: members.urn }
  }
  return Object.fromEntries(
    Object.entries(members)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, plainValue(each, onSecret, joined(path, key))]),
  )
}

/** As Pulumi wraps a value that its engine would keep encrypted. */
export function secretValue(value: unknown): Record<string, unknown> {
  return { [signatureKey]: secret, value }
}

function joined(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}
