/** The q-quantile of some figures, by the nearest rank; NaN of none. */
export function quantile(figures: readonly number[], q: number): number {
  const sorted = [...figures].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN
}

export function median(figures: readonly number[]): number {
  return quantile(figures, 0.5)
}

/**
 * Vargha and Delaney's A12: the chance that a value of the first is greater than one of the second, ties
 * as halves. By ranks, as the statistic of Mann and Whitney.
 */
export function varghaDelaney(first: readonly number[], second: readonly number[]): number {
  const all = [
    ...first.map((value) => ({ value, own: true })),
    ...second.map((value) => ({ value, own: false })),
  ].sort((a, b) => a.value - b.value)
  let rankSum = 0
  for (let at = 0; at < all.length; ) {
    let end = at
    while (all[end]?.value === all[at]?.value && end < all.length) end += 1
    // The mean of the ranks at + 1 to end, for each of equal ones.
    const rank = (at + 1 + end) / 2
    for (; at < end; at += 1) if (all[at]?.own) rankSum += rank
  }
  return (rankSum / first.length - (first.length + 1) / 2) / second.length
}
