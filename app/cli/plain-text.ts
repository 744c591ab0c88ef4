import { stripVTControlCharacters } from 'node:util'

/**
 * Text that others wrote, as one line without anything that a terminal acts upon: no control characters,
 * colours, marks of direction or line ends.
 */
export function plainText(text: string): string {
  return stripVTControlCharacters(text).replace(/\s+/g, ' ').replace(ACTING, '')
}

/** C0, DEL and C1; marks of direction and invisible ones. */
const ACTING =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g
