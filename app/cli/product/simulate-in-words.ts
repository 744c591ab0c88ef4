import { describePlacement, ruleName } from '../../../regions/describe-placement.ts'
import type { Moves, Route } from '../../products/simulated-moves.ts'
import type { CountryShare, Simulation, Unplaced } from '../../products/simulation.ts'
import type { Terminal } from '../terminal.ts'
import type { SimulationReport } from './simulate.ts'

const countriesShown = 12
const routesShown = 20
const linesShown = 5
const regionsOfCountry = 3

/** A simulation for people: regions, countries, who lands nowhere, what moves. */
export function simulateInWords(report: SimulationReport, terminal: Terminal): void {
  const { after, before, moves } = report
  for (const line of heading(report)) terminal.out(line)
  terminal.out('')
  regions(after, before, terminal)
  terminal.out('')
  countries(after, terminal)
  if (after.unplaced.length > 0) {
    terminal.out('')
    for (const line of after.unplaced.flatMap(unplaced)) terminal.out(line)
  }
  if (before === undefined || moves === undefined) return
  terminal.out('')
  moved(moves, before.version, terminal)
}

function heading({ version, from, after, locationSource, ...it }: SimulationReport): string[] {
  const who = `${count(after.devices)} of ${version}`
  const lines = [
    from.kind === 'sample'
      ? `${who}, at IPv4 addresses drawn at random (seed ${from.seed}); address space isn’t people`
      : `${who}, at the addresses of ${from.file === '-' ? 'stdin' : from.file}`,
    `located by ${locationSource}; ${it.enabledRegions.length} regions enabled, ${it.regionsFrom}`,
  ]
  if (after.unlocated > 0) lines.push(`without a known position: ${after.unlocated}`)
  if (it.down.length > 0) lines.push(`down: ${it.down.join(', ')}`)
  const attributes = Object.entries(it.attributes).map(([name, value]) => `${name}=${value}`)
  if (attributes.length > 0) lines.push(`each with ${attributes.join(', ')}`)
  if (from.kind === 'addresses' && from.wrongLines.length > 0) {
    const { wrongLines } = from
    const some = wrongLines.slice(0, linesShown).map(({ line, text }) => `${line} "${text}"`)
    const more = wrongLines.length - some.length
    lines.push(
      `not counted, as they hold no address: ${wrongLines.length} ${wrongLines.length === 1 ? 'line' : 'lines'}: ${some.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
    )
  }
  return lines
}

function regions(after: Simulation, before: Simulation | undefined, terminal: Terminal): void {
  const was = new Map(before?.regions.map((it) => [it.region, it]))
  const now = new Set(after.regions.map((it) => it.region))
  const gone = [...was.values()].filter((it) => !now.has(it.region))
  const nowhere = sumOf(after)
  const nowhereBefore = before === undefined ? 0 : sumOf(before)
  const rows = [
    ...after.regions.map((it) => [it, was.get(it.region)?.share] as const),
    ...gone.map((it) => [{ region: it.region, devices: 0, share: 0 }, it.share] as const),
    ...(nowhere + nowhereBefore > 0
      ? [
          [
            { region: 'none', devices: nowhere, share: nowhere / after.devices },
            nowhereBefore / after.devices,
          ] as const,
        ]
      : []),
  ]
  terminal.table(
    ['region', 'devices', 'share %', 'mean km', ...(before === undefined ? [] : ['before %'])],
    rows.map(([it, share]) => [
      it.region,
      it.devices.toLocaleString('en'),
      percent(it.share),
      km('meanKm' in it ? it.meanKm : undefined),
      ...(before === undefined ? [] : [percent(share ?? 0)]),
    ]),
  )
}

function countries({ countries: all, devices }: Simulation, terminal: Terminal): void {
  const shown = all.slice(0, countriesShown)
  terminal.table(
    ['country', 'devices', 'share %', 'mean km', 'regions'],
    shown.map((it) => [
      it.country ?? 'not known',
      it.devices.toLocaleString('en'),
      percent(it.share),
      km(it.meanKm),
      regionsOf(it),
    ]),
  )
  const more = all.length - shown.length
  if (more === 0) return
  const rest = devices - shown.reduce((sum, it) => sum + it.devices, 0)
  terminal.out(`and ${more} more countries with ${count(rest)}: --json has all`)
}

function regionsOf({ regions: all, devices, unplaced: nowhere }: CountryShare): string {
  const parts = all.map((it) => ({ name: it.region, devices: it.devices }))
  if (nowhere > 0) parts.push({ name: 'none', devices: nowhere })
  parts.sort((a, b) => b.devices - a.devices)
  const shown = parts
    .slice(0, regionsOfCountry)
    .map((it) => `${it.name} ${percent(it.devices / devices)} %`)
  const more = parts.length - shown.length
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function unplaced({ rule, devices, share, countries: from, example, placement }: Unplaced) {
  const whose = rule === undefined ? 'the policy' : ruleName(rule)
  const shown = from
    .slice(0, linesShown)
    .map((it) => `${it.country ?? 'not known'} ${it.devices.toLocaleString('en')}`)
  const more = from.length - shown.length
  return [
    `${whose} leaves ${count(devices)} (${percent(share)} %) without a region: ${shown.join(', ')}${more > 0 ? ` and ${more} more countries` : ''}`,
    `  for example ${example.thing} at ${example.address}: ${describePlacement(placement)}`,
  ]
}

function moved({ devices, share, meanChangeKm, routes }: Moves, than: string, terminal: Terminal) {
  if (devices === 0) {
    terminal.out(`Against ${than}, no device moves`)
    return
  }
  const mean =
    meanChangeKm === undefined ? '' : `; from region to region ${change(meanChangeKm)} on average`
  const moving = devices === 1 ? 'moves' : 'move'
  terminal.out(`Against ${than}, ${count(devices)} (${percent(share)} %) ${moving}${mean}`)
  terminal.table(
    ['from', 'to', 'devices', 'share %', 'mean change km', 'for example'],
    routes
      .slice(0, routesShown)
      .map((it) => [
        it.from ?? 'none',
        it.to ?? 'none',
        it.devices.toLocaleString('en'),
        percent(it.share),
        km(it.meanChangeKm),
        exampleOf(it),
      ]),
  )
  const more = routes.length - routesShown
  if (more > 0) terminal.out(`and ${more} more pairs of regions: --json has all`)
}

function exampleOf({ example: { thing, address, country, fromKm, toKm } }: Route): string {
  const far = fromKm === undefined || toKm === undefined ? '' : `: ${km(fromKm)} → ${km(toKm)} km`
  return `${thing} at ${address} (${country ?? 'not known'})${far}`
}

function change(kilometres: number): string {
  return `${km(Math.abs(kilometres))} km ${kilometres < 0 ? 'nearer' : 'farther'}`
}

function sumOf({ unplaced: all }: Simulation): number {
  return all.reduce((sum, it) => sum + it.devices, 0)
}

function count(devices: number): string {
  return `${devices.toLocaleString('en')} ${devices === 1 ? 'device' : 'devices'}`
}

function percent(share: number): string {
  return (share * 100).toFixed(1)
}

function km(distance: number | undefined): string {
  return distance === undefined ? '-' : Math.round(distance).toLocaleString('en')
}
