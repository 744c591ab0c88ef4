import { text } from '../../../app/cli/product/map/svg-text.ts'
import { regions } from './cases.ts'
import type { TimeLine } from './time-line.ts'

/** In pixels; each panel has its own height. */
const page = { width: 1000, left: 78, right: 20, top: 64 }
const gap = 44
const answersHeight = 190
const laterHeight = 90
const timesHeight = 130
const rowHeight = 24

const looks: Readonly<Record<string, string>> = {
  'eu-west-1': 'url(#ireland)',
  'us-east-1': 'url(#virginia)',
  'ap-northeast-1': 'url(#tokyo)',
}

type Scale = (value: number) => number

/** A case over time as one SVG, in three panels that share their seconds; told apart without colour. */
export function drawTimeLine(line: TimeLine, note: string): string {
  const x: Scale = (at) => page.left + (at / line.seconds) * (page.width - page.left - page.right)
  const answersTop = page.top + 78
  const zero = answersTop + answersHeight
  const timesTop = zero + laterHeight + gap
  const breakersTop = timesTop + timesHeight + gap
  const bottom = breakersTop + line.breakers.length * rowHeight
  const height = bottom + 92
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${page.width} ${height}" role="img" aria-labelledby="title desc" font-family="sans-serif" font-size="13" fill="#1a1a1a">`,
    `<title id="title">${text(line.title)}: what devices get meanwhile</title>`,
    `<desc id="desc">${text(describe(line))}</desc>`,
    patterns,
    `<rect width="${page.width}" height="${height}" fill="#fff"/>`,
    `<text x="${page.left}" y="28" font-size="19" font-weight="bold">${text(line.title)}</text>`,
    `<text x="${page.left}" y="50">${text(note)}</text>`,
    ...sickness(line, x, page.top + 26, bottom),
    ...openings(line, x, page.top + 26, bottom),
    ...answers(line, x, zero),
    ...times(line, x, timesTop),
    ...breakers(line, x, breakersTop),
    ...seconds(line, x, bottom),
    ...legend(height - 22),
    '</svg>\n',
  ].join('\n')
}

/** Each is drawn of black on white, so that a copy in grey says the same. */
const patterns = `<defs>
<pattern id="ireland" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#1f5f99"/></pattern>
<pattern id="virginia" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#fde2c4"/><path d="M-1 1l2-2M0 6l6-6M5 7l2-2" stroke="#b35900" stroke-width="1.6"/></pattern>
<pattern id="tokyo" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#e3f1de"/><circle cx="3" cy="3" r="1.1" fill="#2c7a33"/></pattern>
</defs>`

function sickness(line: TimeLine, x: Scale, top: number, bottom: number): string[] {
  return line.sick.flatMap(({ from, to }, n) => [
    `<rect x="${px(x(from))}" y="${top}" width="${px(x(to) - x(from))}" height="${bottom - top}" fill="#e9e9e9"/>`,
    ...(n === 0 ? [above(x(from) + 2, top, `${line.sickRegions} sick`)] : []),
  ])
}

/** From when on every edge had a breaker open, and from when on none had. */
function openings(line: TimeLine, x: Scale, top: number, bottom: number): string[] {
  const opened = Math.max(...line.breakers.map((it) => it.spells[0]?.from ?? 0))
  const closed = Math.max(...line.breakers.map((it) => it.spells.at(-1)?.to ?? 0))
  return [
    `<path d="M${px(x(opened))} ${top}V${bottom}M${px(x(closed))} ${top}V${bottom}" stroke="#444" stroke-dasharray="5 3"/>`,
    above(x(opened) + 2, top + 14, 'every breaker open'),
    above(x(closed) + 2, top + 14, 'every breaker closed'),
  ]
}

function above(x: number, y: number, words: string): string {
  return `<text x="${px(x + 3)}" y="${y - 4}" font-size="12">${text(words)}</text>`
}

/** Upwards what landed where, downwards what was told to come later; a column a second. */
function answers(line: TimeLine, x: Scale, zero: number): string[] {
  const landed = line.answers.map((it) => sum(Object.values(it.landed)))
  const most = Math.max(10, ...landed)
  const mostLater = Math.max(5, ...line.answers.map((it) => it.later))
  const unit = answersHeight / most
  const laterUnit = Math.min(unit, laterHeight / mostLater)
  const width = x(1) - x(0)
  const columns = line.answers.flatMap((it, second) => {
    const left = x(second)
    let y = zero
    const parts = regions.flatMap((region) => {
      const tall = (it.landed[region] ?? 0) * unit
      y -= tall
      return tall === 0 ? [] : [column(left, y, width, tall, looks[region] ?? 'none')]
    })
    const tall = it.later * laterUnit
    return [...parts, ...(tall === 0 ? [] : [column(left, zero, width, tall, '#fff')])]
  })
  const up = [0, most / 2, most].map((value) =>
    tick(zero - value * unit, String(Math.round(value))),
  )
  const down = tick(zero + mostLater * laterUnit, String(mostLater))
  return [
    heading('Answers a second', zero - answersHeight - 6),
    ...up,
    down,
    ...columns,
    `<path d="M${page.left} ${zero}H${page.width - page.right}" stroke="#1a1a1a"/>`,
  ]
}

function column(x: number, y: number, width: number, height: number, fill: string): string {
  return `<rect x="${px(x + 0.5)}" y="${px(y)}" width="${px(width - 1)}" height="${px(height)}" fill="${fill}" stroke="#1a1a1a" stroke-width=".6"/>`
}

/** A dot a device; the line is their p95. */
function times(line: TimeLine, x: Scale, top: number): string[] {
  const most = Math.ceil(Math.max(1, ...line.devices.map((it) => it.seconds)))
  const y: Scale = (value) => top + timesHeight - (value / most) * timesHeight
  const dots = line.devices.map(
    (it) => `M${px(x(it.at) - 1.5)} ${px(y(it.seconds))}a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0-3 0`,
  )
  const path = line.p95.map(({ from, to, seconds: value }) => {
    return `M${px(x(from))} ${px(y(value))}H${px(x(Math.min(to, line.seconds)))}`
  })
  return [
    heading('Seconds from arrival to identity: a dot for each device, a bar for p95', top - 8),
    ...[0, most / 2, most].map((value) => tick(y(value), String(value))),
    `<path d="${path.join('')}" stroke="#1a1a1a" stroke-width="3"/>`,
    `<path d="${dots.join('')}" fill="#fff" stroke="#444" stroke-width=".7"/>`,
  ]
}

/** A row for each edge: a bar while the breaker keeps the region out, a triangle for a probe. */
function breakers(line: TimeLine, x: Scale, top: number): string[] {
  const rows = line.breakers.flatMap((it, n) => {
    const y = top + n * rowHeight + rowHeight / 2
    return [
      `<text x="${page.left - 8}" y="${y + 4}" text-anchor="end" font-size="12">${text(it.edge)}</text>`,
      `<path d="M${page.left} ${y}H${page.width - page.right}" stroke="#1a1a1a" stroke-width=".8"/>`,
      ...it.spells.map(
        ({ from, to }) =>
          `<rect x="${px(x(from))}" y="${y - 7}" width="${px(Math.max(1.5, x(to) - x(from)))}" height="14" fill="#1a1a1a"/>`,
      ),
      ...it.probes.map(
        (at) =>
          `<path d="M${px(x(at) - 5)} ${y - 6}h10l-5 11z" fill="#fff" stroke="#1a1a1a" stroke-width="1.4"/>`,
      ),
    ]
  })
  const named = [...new Set(line.breakers.map((it) => it.region))].join(' and ')
  return [heading(`Breaker of ${named} at each edge: open, with its probes`, top - 8), ...rows]
}

function seconds(line: TimeLine, x: Scale, bottom: number): string[] {
  const step = line.seconds > 60 ? 10 : 5
  const marks = Array.from({ length: Math.floor(line.seconds / step) + 1 }, (_, n) => n * step)
  return [
    ...marks.map(
      (at) =>
        `<path d="M${px(x(at))} ${bottom}v5" stroke="#1a1a1a"/><text x="${px(x(at))}" y="${bottom + 19}" text-anchor="middle" font-size="12">${at}${at === 0 ? ' s' : ''}</text>`,
    ),
  ]
}

function legend(y: number): string[] {
  const entries = [
    ...regions.map((it) => [it, looks[it] ?? 'none'] as const),
    ['told to come later (503)', '#fff'] as const,
  ]
  return entries.map(([name, fill], n) => {
    const x = page.left + n * 165
    return `<rect x="${x}" y="${y - 12}" width="22" height="14" fill="${fill}" stroke="#1a1a1a" stroke-width=".8"/><text x="${x + 29}" y="${y}">${text(name)}</text>`
  })
}

function heading(words: string, y: number): string {
  return `<text x="${page.left}" y="${px(y)}" font-weight="bold">${text(words)}</text>`
}

function tick(y: number, label: string): string {
  return `<path d="M${page.left - 4} ${px(y)}H${page.width - page.right}" stroke="#bbb" stroke-width=".6"/><text x="${page.left - 8}" y="${px(y + 4)}" text-anchor="end" font-size="12">${label}</text>`
}

function describe(line: TimeLine): string {
  const opened = line.breakers.flatMap((it) => it.spells.map(({ from }) => from))
  const sick = line.sick.map(({ from, to }) => `from second ${from} to ${to}`).join(', ')
  const landed = regions.map(
    (it) => `${sum(line.answers.map(({ landed: all }) => all[it] ?? 0))} in ${it}`,
  )
  return `Sick ${sick}. The first breaker opened at second ${Math.min(...opened)}. Devices landed: ${landed.join(', ')}; ${sum(line.answers.map((it) => it.later))} answers said to come later.`
}

function sum(values: readonly number[]): number {
  return values.reduce((total, it) => total + it, 0)
}

function px(value: number): string {
  return String(Math.round(value * 10) / 10)
}
