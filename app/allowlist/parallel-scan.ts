import { type ScanRange, scanTable, type TablePage, type TableSource } from './table-pages.ts'

/**
 * Scans the table in so many segments side by side. Each has one page on its way or waiting, not more:
 * whoever takes pages slowly slows the reading down. Throws the SDK's error.
 */
export async function* scanSegments(
  source: TableSource,
  range: Pick<ScanRange, 'filter' | 'attributes'>,
  segments: number,
): AsyncGenerator<TablePage> {
  const waiting = new Map<number, Promise<{ number: number; next: IteratorResult<TablePage> }>>()
  const scans = Array.from({ length: segments }, (_, number) =>
    scanTable(source, { ...range, ...(segments > 1 ? { segment: { number, of: segments } } : {}) }),
  )
  const ask = (number: number) => {
    const asked = scans[number]?.next()
    if (asked === undefined) return
    const answered = asked.then((next) => ({ number, next }))
    // Whoever waits for another one meanwhile must not leave this failure to nobody.
    answered.catch(() => {})
    waiting.set(number, answered)
  }
  for (const number of scans.keys()) ask(number)
  while (waiting.size > 0) {
    const { number, next } = await Promise.race(waiting.values())
    waiting.delete(number)
    if (next.done === true) continue
    ask(number)
    yield next.value
  }
}
