/**
 * Finds what could be a private key in text that may be damaged: pure. It looks at the text and not at
 * what a parser makes of it, so that quotes, escapes and broken syntax hide nothing, and it rather takes
 * too much for one. `loose` text is what should hold no key and often holds other things (attributes,
 * names); `strict` text is where a key belongs, or where it isn't known what it is.
 */
export type Suspicion = 'loose' | 'strict'

export const withheld = 'withheld: it may hold a private key'
/** In place of one member; too short to be taken for a key itself. */
const withheldMember = 'withheld'

/** The members that make a JWK private (RFC 7518 section 6, RFC 8037), with the value that follows. */
const privateMember =
  /(?<![a-z0-9])(?:d|p|q|dp|dq|qi|k)[^a-z0-9:]*:[^a-z0-9+/_-]*([a-z0-9+/_-]{9,})/gi
const privateName = /^\W*(?:d|p|q|dp|dq|qi|k|oth)\W*$/i
const pemLine = /(?:BEGIN|END)[A-Z ]{0,20}PRIVATE\s+KEY/i
const keyWords = /PRIVATE\s*KEY/i
const longRun = /[A-Za-z0-9+/_-]{24,}/g
/** What may stand before a long run that is no secret. */
const publicMember = /(?<![a-z0-9_])(?:x|y|n|kid|thing_name)[^a-z0-9:]*:[^a-z0-9]*$/i

export function mayHoldPrivateKey(text: string, suspicion: Suspicion): boolean {
  const plain = withoutEscapes(text)
  if (plain === undefined || pemLine.test(plain)) return true
  for (const [, value = ''] of plain.matchAll(privateMember)) {
    if (suspicion === 'strict' || (value.length >= 16 && isMixed(value))) return true
  }
  if (suspicion === 'loose') return false
  if (keyWords.test(plain)) return true
  for (const { 0: run, index } of plain.matchAll(longRun)) {
    const before = plain.slice(Math.max(0, index - 40), index)
    if (isMixed(run) && !publicMember.test(before)) return true
  }
  return false
}

/** The text as it is, or without its private members, or, where those can't be told, a note instead. */
export function withoutPrivateKey(text: string, suspicion: Suspicion): string {
  if (!mayHoldPrivateKey(text, suspicion)) return text
  const parsed = findObject(text)
  if (parsed === undefined) return withheld
  const masked = JSON.stringify(maskMembers(parsed, suspicion))
  return mayHoldPrivateKey(masked, suspicion) ? withheld : masked
}

/** The same for a member of a JSON object, by its name and whatever its value is. */
export function withoutPrivateMember(name: string, value: unknown, suspicion: Suspicion): unknown {
  if (privateName.test(name)) {
    const text = JSON.stringify({ d: value })
    return suspicion === 'strict' || mayHoldPrivateKey(text, suspicion) ? withheldMember : value
  }
  // With its name: a public member's value looks like a private one's.
  const text = JSON.stringify({ [name]: value })
  if (!mayHoldPrivateKey(text, suspicion)) return value
  if (typeof value === 'string') return withoutPrivateKey(value, suspicion)
  if (typeof value !== 'object' || value === null) return withheldMember
  const masked = maskMembers(value, suspicion)
  return mayHoldPrivateKey(JSON.stringify({ [name]: masked }), suspicion) ? withheld : masked
}

export function findObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Letters of both cases, as random Base64 has them; ids, hashes and serial numbers mostly have not. */
export function isMixed(run: string): boolean {
  return /[a-z]/.test(run) && /[A-Z]/.test(run)
}

function maskMembers(value: object, suspicion: Suspicion): object {
  const mask = (name: string, it: unknown) => withoutPrivateMember(name, it, suspicion)
  if (Array.isArray(value)) return value.map((it) => mask('', it))
  return Object.fromEntries(Object.entries(value).map(([name, it]) => [name, mask(name, it)]))
}

/** Without JSON's escapes, also those of texts within texts; undefined where they are nested too deep. */
function withoutEscapes(text: string): string | undefined {
  let plain = text
  for (let depth = 0; plain.includes('\\'); depth++) {
    if (depth > 4) return undefined
    const before = plain
    plain = plain
      .replace(/\\+/g, '\\')
      .replace(/\\u([0-9a-f]{4})/gi, (_, code: string) =>
        String.fromCharCode(Number.parseInt(code, 16)),
      )
    if (plain === before) return plain.replace(/\\[bfnrt]/g, ' ').replaceAll('\\', '')
  }
  return plain
}
