/** A text for the content or an attribute of an element. */
export function text(plain: string): string {
  return plain
    .replaceAll(/\p{Cc}/gu, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/** Pixels that a text takes in a common sans-serif font; `textLength` makes others fit. */
export function widthOf(plain: string, fontSize: number): number {
  return Math.ceil(plain.length * fontSize * 0.52)
}
