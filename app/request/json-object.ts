/** The contract's objects hold a JWK or a list of certificates, nothing deeper. */
const deepest = 4

/**
 * Reads a JSON object whose names are unique at every level (RFC 8259 section 4 leaves it open what a
 * repeated one means, so two readers may see two requests). Undefined for everything else.
 */
export function findJsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return countNames(value, 0) === namesIn(text) ? { ...value } : undefined
}

/** The members of valid JSON text, repeated ones too: its strings before a colon. */
function namesIn(json: string): number {
  let names = 0
  for (const [, colon] of json.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)) if (colon) names += 1
  return names
}

/** The members that a parser kept; NaN, which equals nothing, where they lie too deep. */
function countNames(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0
  if (depth > deepest) return Number.NaN
  const own = Array.isArray(value) ? 0 : Object.keys(value).length
  return Object.values(value).reduce((sum: number, it) => sum + countNames(it, depth + 1), own)
}
