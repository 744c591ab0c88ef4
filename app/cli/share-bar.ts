const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** A bar of blocks, to an eighth of a column; `part` from 0 to 1. Something is never drawn as nothing. */
export function shareBar(part: number, columns: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, part)) * columns * 8)
  const drawn = part > 0 ? Math.max(1, eighths) : 0
  return '█'.repeat(Math.floor(drawn / 8)) + (EIGHTHS[drawn % 8] ?? '')
}
