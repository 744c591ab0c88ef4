import fc from 'fast-check'
import { type DerMutation, derMutations } from './der-mutations.ts'

/** How the text of a body or a part is spoiled: at a place (modulo its length). */
export type Edit = {
  readonly at: number
  readonly what: 'delete' | 'insert' | 'replace' | 'double' | 'cut' | 'flip'
  readonly text: string
}

/** The CSR or what stands in its place. */
export type CsrRecipe =
  | { readonly kind: 'good' | 'none' }
  /** Its contents changed and signed anew; or all of it changed. */
  | { readonly kind: 'resigned' | 'mutated'; readonly mutations: readonly DerMutation[] }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }

export type ChainRecipe = {
  /** Into the world's certificates, behind the device's own. */
  readonly others: readonly number[]
  readonly changed: 'none' | 'leaf' | 'resigned' | 'resigned leaf' | 'other'
  readonly mutations: readonly DerMutation[]
}

/** A request to be made: JSON, so that one that failed can be kept. */
export type Recipe =
  | {
      readonly kind: 'raw'
      readonly path: 'landfall' | 'seed'
      readonly contentType: string
      readonly body: string | Uint8Array
    }
  | {
      readonly kind: 'landfall'
      readonly device: number
      readonly flattened: boolean
      readonly signed: boolean
      readonly header: Readonly<Record<string, unknown>>
      readonly payload: Readonly<Record<string, unknown>>
      readonly csr: CsrRecipe
      readonly jwk: unknown
      readonly chain: ChainRecipe | undefined
      readonly headerEdits: readonly Edit[]
      readonly payloadEdits: readonly Edit[]
      readonly edits: readonly Edit[]
    }
  | {
      readonly kind: 'seed'
      readonly name: number
      readonly signed: boolean
      readonly members: Readonly<Record<string, unknown>>
      readonly csr: CsrRecipe
      readonly edits: readonly Edit[]
    }

/** Any bytes, as text. Not fc's own binary strings: their unit takes seconds to set up. */
const latin1 = (maxLength: number) =>
  fc.uint8Array({ maxLength }).map((it) => Buffer.from(it).toString('latin1'))

/** Text that parsers stumble over. */
const oddText = fc.constantFrom(
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '.',
  '=',
  '-',
  '_',
  '+',
  '/',
  '\u0000',
  '\n',
  ' ',
  '\u00e9',
  '\u202e',
  '\ufeff',
  '\ud83d\ude00',
  '\ud800',
  'null',
  '1e999',
  '-0',
  '\\u0000',
  '{"a":',
  '"__proto__":',
  '[[[[[[[[',
  'eyJ',
  'AAAA',
)

const edits = (most: number): fc.Arbitrary<Edit[]> =>
  fc.array(
    fc.record({
      at: fc.nat(4000),
      what: fc.constantFrom<Edit['what'][]>('delete', 'insert', 'replace', 'double', 'cut', 'flip'),
      text: fc.oneof(oddText, latin1(4)),
    }),
    { maxLength: most },
  )

/** Mostly none, so that what lies behind is reached. */
const rarely = <T>(it: fc.Arbitrary<T>, otherwise: T): fc.Arbitrary<T> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(otherwise) }, { weight: 1, arbitrary: it })

const oddNumber = fc.constantFrom(0, -1, 1e11, 1e12, 2 ** 53, -0, 5e-324, 1.7976931348623157e308)
const value = fc.oneof(fc.jsonValue(), oddText, oddNumber)
const names = [
  'alg',
  'kid',
  'x5c',
  'typ',
  'cty',
  'crit',
  'b64',
  'jwk',
  'jku',
  'x5u',
  'zip',
  '__proto__',
  'constructor',
]
const claims = ['sub', 'aud', 'iat', 'nonce', 'csr', 'jwk', 'exp', 'iss', '__proto__', 'toString']
const members = (keys: readonly string[], most: number) =>
  fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string({ maxLength: 8 })), value, {
    maxKeys: most,
  })

const csr: fc.Arbitrary<CsrRecipe> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: 'good' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'none' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('resigned' as const, 'mutated' as const),
      mutations: derMutations,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('bytes' as const),
      bytes: fc.uint8Array({ maxLength: 300 }),
    }),
  },
)

const coordinate = fc.oneof(
  fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((it) => Buffer.from(it).toString('base64url')),
  fc.constantFrom('A'.repeat(43), '_'.repeat(43), '', 'AAAA'),
  value,
)
const jwk = fc.oneof(
  fc.record({ kty: fc.constant('EC'), crv: fc.constant('P-256'), x: coordinate, y: coordinate }),
  fc.record({ kty: fc.constant('OKP'), crv: fc.constant('X25519'), x: coordinate }),
  members(['kty', 'crv', 'x', 'y', 'd', 'use', 'alg', 'kid', 'key_ops'], 6),
)

const chain: fc.Arbitrary<ChainRecipe> = fc.record({
  others: fc.array(fc.nat(10), { maxLength: 5 }),
  changed: fc.constantFrom<ChainRecipe['changed'][]>(
    'none',
    'leaf',
    'resigned',
    'resigned leaf',
    'other',
  ),
  mutations: derMutations,
})

const raw: fc.Arbitrary<Recipe> = fc.record({
  kind: fc.constant('raw' as const),
  path: fc.constantFrom('landfall' as const, 'seed' as const),
  contentType: fc.oneof(
    fc.constantFrom('application/jose', 'application/jose+json', 'application/json', ''),
    fc.string({ maxLength: 20 }).filter((it) => /^[\x21-\x7e]*$/.test(it)),
  ),
  body: fc.oneof(
    fc.json(),
    latin1(200),
    fc.uint8Array({ maxLength: 200 }),
    fc.array(fc.base64String({ maxLength: 40 }), { maxLength: 5 }).map((it) => it.join('.')),
  ),
})

/** Those that sign with RSA stand last, and seldom: that takes twenty times as long. */
const device = fc.oneof({ weight: 12, arbitrary: fc.nat(9) }, { weight: 1, arbitrary: fc.nat(50) })

const landfall: fc.Arbitrary<Recipe> = fc.record({
  kind: fc.constant('landfall' as const),
  device,
  flattened: fc.boolean(),
  signed: fc.oneof(
    { weight: 5, arbitrary: fc.constant(true) },
    { weight: 1, arbitrary: fc.constant(false) },
  ),
  header: rarely(members(names, 2), {}),
  payload: rarely(members(claims, 3), {}),
  csr,
  jwk: rarely<unknown>(jwk, undefined),
  // Only devices that a factory certified have one.
  chain: fc.option(chain, { nil: undefined }),
  headerEdits: rarely(edits(2), []),
  payloadEdits: rarely(edits(3), []),
  edits: rarely(edits(3), []),
})

const seed: fc.Arbitrary<Recipe> = fc.record({
  kind: fc.constant('seed' as const),
  name: fc.nat(10),
  signed: fc.oneof(
    { weight: 5, arbitrary: fc.constant(true) },
    { weight: 1, arbitrary: fc.constant(false) },
  ),
  members: rarely(members(['thing-name', 'thing-name-sig', 'CSR', '__proto__', 'csr'], 3), {}),
  csr,
  edits: rarely(edits(3), []),
})

export const recipes: fc.Arbitrary<Recipe> = fc.oneof(
  { weight: 2, arbitrary: raw },
  { weight: 6, arbitrary: landfall },
  { weight: 3, arbitrary: seed },
)
