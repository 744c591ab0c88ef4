/** A record as the city packages have it. */
export type TinyRecord = {
  readonly country_code: string
  readonly city: string
  readonly latitude: number
  readonly longitude: number
}

/** A network by its bits, and its record. */
export type TinyNetwork = readonly [bits: string, record: TinyRecord]

type Node = { left: Node | number | undefined; right: Node | number | undefined }

/** Numbers of the types of the format's data section. */
const types = { text: 2, double: 3, uint16: 5, uint32: 6, map: 7 }

/**
 * An MMDB file (MaxMind DB file format specification 2.0) by hand: search tree, data section, metadata.
 * The networks don't overlap.
 */
export function tinyMmdb(
  family: 4 | 6,
  networks: readonly TinyNetwork[],
  options: { recordSize?: 24 | 28 | 32; builtAt?: string } = {},
): Buffer {
  const { recordSize = 28, builtAt = '2026-06-05' } = options
  const root: Node = { left: undefined, right: undefined }
  for (const [index, [bits]] of networks.entries()) plant(root, bits, index)
  const nodes: Node[] = []
  const number = (node: Node): void => {
    nodes.push(node)
    for (const child of [node.left, node.right]) if (typeof child === 'object') number(child)
  }
  number(root)
  const records = networks.map(([, record]) =>
    map([
      ['country_code', text(record.country_code)],
      ['city', text(record.city)],
      ['latitude', double(record.latitude)],
      ['longitude', double(record.longitude)],
    ]),
  )
  const offsets = records.map((_, index) => Buffer.concat(records.slice(0, index)).length)
  const pointerOf = (child: Node | number | undefined): number => {
    if (child === undefined) return nodes.length
    if (typeof child === 'object') return nodes.indexOf(child)
    return nodes.length + 16 + (offsets[child] ?? 0)
  }
  const tree = nodes.map((node) =>
    nodeBytes(pointerOf(node.left), pointerOf(node.right), recordSize),
  )
  const metadata = map([
    ['binary_format_major_version', uint(types.uint16, 2, 2)],
    ['build_epoch', uint(types.uint32, Date.parse(builtAt) / 1000, 4)],
    ['database_type', text('tiny')],
    ['ip_version', uint(types.uint16, family, 2)],
    ['node_count', uint(types.uint32, nodes.length, 4)],
    ['record_size', uint(types.uint16, recordSize, 2)],
  ])
  const marker = Buffer.concat([Buffer.from([0xab, 0xcd, 0xef]), Buffer.from('MaxMind.com')])
  return Buffer.concat([...tree, Buffer.alloc(16), ...records, marker, metadata])
}

/** The bits of a network in CIDR form, IPv4 or as 32-digit hexadecimal. */
export function bitsOf(address: string, length: number): string {
  const bytes = address.includes('.')
    ? Buffer.from(address.split('.').map(Number))
    : Buffer.from(address, 'hex')
  return [...bytes]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('')
    .slice(0, length)
}

function plant(node: Node, bits: string, index: number): void {
  const side = bits.startsWith('1') ? 'right' : 'left'
  if (bits.length === 1) {
    node[side] = index
    return
  }
  const child = node[side]
  const next = typeof child === 'object' ? child : { left: undefined, right: undefined }
  node[side] = next
  plant(next, bits.slice(1), index)
}

function nodeBytes(left: number, right: number, recordSize: 24 | 28 | 32): Buffer {
  const bytes = Buffer.alloc(recordSize / 4)
  if (recordSize === 28) {
    bytes.writeUIntBE(left & 0xff_ffff, 0, 3)
    bytes.writeUInt8(((left >>> 24) << 4) | (right >>> 24), 3)
    bytes.writeUIntBE(right & 0xff_ffff, 4, 3)
  } else {
    const width = recordSize / 8
    bytes.writeUIntBE(left, 0, width)
    bytes.writeUIntBE(right, width, width)
  }
  return bytes
}

/** Sizes below 29 stand in the control byte itself. */
function control(type: number, size: number): Buffer {
  return Buffer.from([(type << 5) | size])
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  if (bytes.length < 29) return Buffer.concat([control(types.text, bytes.length), bytes])
  return Buffer.concat([control(types.text, 29), Buffer.from([bytes.length - 29]), bytes])
}

function double(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return Buffer.concat([control(types.double, 8), bytes])
}

function uint(type: number, value: number, width: number): Buffer {
  const bytes = Buffer.alloc(width)
  bytes.writeUIntBE(value, 0, width)
  return Buffer.concat([control(type, width), bytes])
}

function map(entries: readonly (readonly [name: string, value: Buffer])[]): Buffer {
  const parts = entries.flatMap(([name, value]) => [text(name), value])
  return Buffer.concat([control(types.map, entries.length), ...parts])
}
