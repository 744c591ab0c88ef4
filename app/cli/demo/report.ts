import type { Terminal } from '../terminal.ts'
import type { DemoResult } from './one-device.ts'

/** The table at the end, or one JSON object `{ ok, seconds, devices }`. */
export function reportDemo(
  results: readonly DemoResult[],
  options: { seconds: number; terminal: Terminal; json: boolean },
): void {
  const { terminal, seconds } = options
  const landed = results.filter((it) => it.region !== undefined)
  const ok = results.every((it) => it.problems.length === 0)
  if (options.json) {
    terminal.json({ ok, seconds: Number(seconds.toFixed(1)), devices: results })
    return
  }
  terminal.table(
    ['device', 'from', 'contract', 'key', 'region', 'km', 'certificate', 'received', 'why'],
    results.map((it) => [
      it.device,
      it.from,
      it.contract,
      it.key,
      it.region ?? '-',
      it.distanceKm?.toLocaleString('en') ?? '-',
      it.certificateId === undefined ? '-' : `${it.certificateId.slice(0, 10)}…`,
      String(it.messagesReceived),
      whyText(it, terminal),
    ]),
  )
  terminal.out('')
  const regions = new Set(landed.map((it) => it.region)).size
  const messages = results.reduce((sum, it) => sum + it.messagesReceived, 0)
  const verdict = ok
    ? terminal.paint('green', '✓ as it must be')
    : terminal.paint('red', '✗ not all of it happened')
  terminal.out(
    `${landed.length} devices landed in ${regions} regions, ${results.length - landed.length} were refused, ${messages} messages arrived, ${seconds.toFixed(1)} s: ${verdict}`,
  )
}

function whyText(result: DemoResult, terminal: Terminal): string {
  if (result.problems.length > 0) return terminal.paint('red', result.problems.join('; '))
  if (result.refusal !== undefined) return terminal.paint('yellow', `refused: ${result.refusal}`)
  return result.why ?? ''
}
