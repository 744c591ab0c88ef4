import fc from 'fast-check'
import { derValue } from '../forge-csr.ts'

/**
 * One thing done to a DER document: at the value that `at` points to (modulo their number, in the order
 * of the bytes) its tag or length is changed, or it is dropped, doubled, emptied, or put into another.
 */
export type DerMutation = {
  readonly at: number
  readonly what: 'tag' | 'drop' | 'double' | 'empty' | 'wrap' | 'fill' | 'swap' | 'byte' | 'length'
  readonly byte: number
}

export const derMutations: fc.Arbitrary<DerMutation[]> = fc.array(
  fc.record({
    at: fc.nat(500),
    what: fc.constantFrom<DerMutation['what'][]>(
      'tag',
      'drop',
      'double',
      'empty',
      'wrap',
      'fill',
      'swap',
      'byte',
      'length',
    ),
    byte: fc.nat(255),
  }),
  { minLength: 1, maxLength: 3 },
)

type Value = { tag: number; children: Value[] | undefined; content: Buffer; broken?: number }

export function mutateDer(der: Buffer, mutations: readonly DerMutation[]): Buffer {
  const root = parse(der)
  if (root === undefined) return der
  for (const mutation of mutations) apply(root, mutation)
  return render(root)
}

function apply(root: Value, { at, what, byte }: DerMutation): void {
  const places = list(root)
  const place = places[at % places.length]
  if (place === undefined) return
  const { value, siblings, index } = place
  switch (what) {
    case 'tag':
      value.tag = byte
      return
    case 'drop':
      siblings?.splice(index, 1)
      return
    case 'double':
      siblings?.splice(index, 0, value)
      return
    case 'empty':
      value.children = undefined
      value.content = Buffer.alloc(0)
      return
    case 'wrap': {
      const inner = { ...value }
      value.tag = byte
      value.children = [inner]
      return
    }
    case 'fill':
      value.children = undefined
      value.content = Buffer.alloc(byte, byte)
      return
    case 'swap': {
      const other = siblings?.[index + 1]
      if (siblings !== undefined && other !== undefined) siblings.splice(index, 2, other, value)
      return
    }
    case 'byte': {
      const content = value.children === undefined ? value.content : Buffer.alloc(0)
      if (content.length > 0) content.writeUInt8(byte, at % content.length)
      return
    }
    case 'length':
      value.broken = byte
  }
}

function list(root: Value) {
  const places: { value: Value; siblings: Value[] | undefined; index: number }[] = []
  const visit = (value: Value, siblings: Value[] | undefined, index: number) => {
    // A value that was doubled stands twice: shared, so bounded.
    if (places.length >= 1000) return
    places.push({ value, siblings, index })
    for (const [at, child] of value.children?.entries() ?? []) visit(child, value.children, at)
  }
  visit(root, undefined, 0)
  return places
}

function render(value: Value): Buffer {
  const content = value.children?.map(render) ?? [value.content]
  const der = derValue(value.tag, ...content)
  if (value.broken !== undefined) der.writeUInt8(value.broken, 1)
  return der
}

/** Constructed values, and octet and bit strings that hold DER themselves, have children. */
function parse(der: Buffer): Value | undefined {
  const [value] = parseAll(der) ?? []
  return value
}

function parseAll(der: Buffer): Value[] | undefined {
  const values: Value[] = []
  for (let at = 0; at < der.length; ) {
    const first = der[at + 1] ?? 0x80
    const bytes = first < 0x80 ? 0 : first - 0x80
    if ((bytes === 0 && first >= 0x80) || bytes > 3 || at + 2 + bytes > der.length) return undefined
    const size = bytes === 0 ? first : der.readUIntBE(at + 2, bytes)
    const begin = at + 2 + bytes
    if (begin + size > der.length) return undefined
    const tag = der[at] ?? 0
    const content = Buffer.from(der.subarray(begin, begin + size))
    const holds = (tag & 0x20) !== 0 || tag === 0x04
    values.push({ tag, content, children: holds && size > 0 ? parseAll(content) : undefined })
    at = begin + size
  }
  return values
}
