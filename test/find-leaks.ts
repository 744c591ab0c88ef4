/**
 * What must be in no log: private keys, signatures and tokens, by what they look like, and secrets that
 * are known. Names the kinds only: they are printed where a test fails.
 */
export function findLeaks(text: string, secrets: readonly string[] = []): string[] {
  const found = findSecrets(text)
  if (text.includes('thing-name-sig')) found.push('a body of the seed contract')
  // Base64 of 64 letters and more is a signature, a key or a certificate; ids are hexadecimal.
  const runs = text.match(/[A-Za-z0-9_-]{64,}|[A-Za-z0-9+/]{64,}/g) ?? []
  if (runs.some(isRandom)) found.push('base64 as long as a signature')
  if (secrets.some((secret) => secret !== '' && text.includes(secret))) found.push('a known secret')
  return found
}

/** What must be in no command's output either, where public keys and certificates may stand. */
export function findSecrets(text: string): string[] {
  return patterns.flatMap(([kind, pattern]) => (pattern.test(text) ? [kind] : []))
}

const patterns: readonly (readonly [string, RegExp])[] = [
  ['a private key in PEM', /-----BEGIN [A-Z ]*PRIVATE KEY/],
  ['a private JWK', /"(?:d|k|p|q|dp|dq|qi)\\*":\s*\\*"[A-Za-z0-9_-]{32,}/],
  // Base64url of a JSON object that begins with a name.
  ['a JWS or JWE', /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*\./],
  ['a protected header', /\beyJhbGciOi/],
]

/** Letters of every kind, as random bytes have them; names, paths and ids have not. */
function isRandom(run: string): boolean {
  return !/^[0-9a-f]+$/i.test(run) && /[a-z]/.test(run) && /[A-Z]/.test(run) && /\d/.test(run)
}
