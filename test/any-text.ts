import fc from 'fast-check'

/**
 * Any code point at all, half a surrogate pair too: a `unit` of fc.string. fast-check's own `binary` takes
 * seconds to set up.
 */
export const anyCharacter = fc
  .oneof(fc.nat({ max: 0xff }), fc.nat({ max: 0x10_ff_ff }))
  .map((codePoint) => String.fromCodePoint(codePoint))
