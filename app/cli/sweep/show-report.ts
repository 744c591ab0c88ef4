import type { Finding, ReportedReason, SweepReport } from '../../provisioning/sweep-report.ts'
import type { Terminal } from '../terminal.ts'

/** More of a kind are counted, not listed; --json gives them all. */
const LISTED = 20

const REMEDIES: Readonly<Record<ReportedReason, string>> = {
  'absent-row':
    'attached to a thing that the allow-list doesn’t know: add the device, or sweep with --absent-too',
  'unreadable-row': 'its row is no device record: correct it (docs/storage.md)',
  unrecorded:
    'attached to a device whose row names no certificate: its next request and a sweep settle it, or block it',
  'foreign-policy': 'to be destroyed, but it holds a policy of somebody else: remove it by hand',
  unknown: 'hangs on no thing, and nothing says whose it is: remove it by hand if it is yours',
  inactive: 'a hand deactivated the device’s certificate: allow reset, or allow block',
  detached:
    'a hand took policy or thing from the device’s certificate: attach them, or allow reset',
  gone: 'the device’s certificate is gone: allow reset, or allow block',
  'named-elsewhere': 'superseded by one record and in use by another: correct the rows by hand',
  'no-such-region': 'superseded in a region that isn’t configured: configure it again to clean it',
}

export function showReport(report: SweepReport, terminal: Terminal): void {
  const would = report.dryRun ? 'would be ' : ''
  terminal.table(
    ['region', 'since', 'seen', 'kept', `${would}destroyed`, `${would}repaired`, 'reported', ''],
    report.regions.map((it) => [
      it.region,
      it.since === undefined ? 'all' : `${new Date(it.since).toISOString().slice(0, 19)}Z`,
      String(it.seen),
      String(it.kept),
      String(it.destroyed.length),
      String(it.repaired.length),
      String(it.reported.length),
      it.failures[0] === undefined ? '' : terminal.paint('red', `failed: ${it.failures[0]}`),
    ]),
  )
  list(
    terminal,
    `${would}destroyed`,
    report.regions.flatMap((it) => it.destroyed),
  )
  const repaired = [...report.regions.flatMap((it) => it.repaired), ...report.repaired]
  list(terminal, `${would}repaired`, repaired)
  const reported = [...report.regions.flatMap((it) => it.reported), ...report.reported]
  list(terminal, 'reported', reported, REMEDIES)
}

function list(
  terminal: Terminal,
  what: string,
  findings: readonly Finding<string>[],
  remedies: Readonly<Record<string, string>> = {},
): void {
  for (const why of new Set(findings.map((it) => it.why))) {
    const same = findings.filter((it) => it.why === why)
    terminal.out('')
    terminal.out(terminal.paint('bold', `${what}: ${why} (${same.length})`))
    for (const it of same.slice(0, LISTED)) {
      const parts = [it.thingName, it.certificateId, it.region && `in ${it.region}`, it.detail]
      terminal.out(`  ${parts.filter((part) => part !== undefined).join(' ')}`)
    }
    if (same.length > LISTED) terminal.out(`  … and ${same.length - LISTED} more`)
    if (remedies[why] !== undefined) terminal.out(`  → ${remedies[why]}`)
  }
}
