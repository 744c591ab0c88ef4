import { forgeCsr, sequence } from '../forge-csr.ts'
import { audience } from '../landfall-request.ts'
import { mutateDer } from './der-mutations.ts'
import type { FuzzDevice, FuzzWorld } from './fuzz-world.ts'
import type { ChainRecipe, CsrRecipe, Edit, Recipe } from './recipes.ts'

const paths = { landfall: '/v1/provision', seed: '/device-provisioning' } as const
const get = <T>(list: readonly T[], index: number): T => {
  const it = list[index % list.length]
  if (it === undefined) throw new Error('an empty list')
  return it
}

/** The request that a recipe says, with right signatures over whatever is wrong. */
export function makeRequest(recipe: Recipe, world: FuzzWorld): Request {
  switch (recipe.kind) {
    case 'raw':
      return post(paths[recipe.path], recipe.body, recipe.contentType)
    case 'landfall':
      return landfallRequest(recipe, world)
    case 'seed':
      return seedRequest(recipe, world)
  }
}

function landfallRequest(recipe: Recipe & { kind: 'landfall' }, world: FuzzWorld): Request {
  const device = get(world.devices, recipe.device)
  const header = {
    alg: device.algorithm,
    ...(device.kid === undefined ? {} : { kid: device.kid }),
    ...chainOf(device, recipe.chain, world),
    ...recipe.header,
  }
  const csr = csrOf(recipe.csr, device)
  const payload = {
    sub: device.thingName,
    aud: audience,
    iat: Date.now() / 1000,
    ...(recipe.jwk === undefined ? { csr: csr?.toString('base64url') } : { jwk: recipe.jwk }),
    ...recipe.payload,
  }
  const encode = (value: unknown, edits: readonly Edit[]) =>
    Buffer.from(applyEdits(JSON.stringify(value), edits)).toString('base64url')
  const parts = [encode(header, recipe.headerEdits), encode(payload, recipe.payloadEdits)]
  const input = Buffer.from(parts.join('.'))
  const signature = recipe.signed ? device.sign(input) : Buffer.alloc(64, 1)
  const [first, second] = parts
  const body = recipe.flattened
    ? JSON.stringify({
        protected: first,
        payload: second,
        signature: signature.toString('base64url'),
      })
    : [...parts, signature.toString('base64url')].join('.')
  const type = recipe.flattened ? 'application/jose+json' : 'application/jose'
  return post(paths.landfall, applyEdits(body, recipe.edits), type)
}

function seedRequest(recipe: Recipe & { kind: 'seed' }, world: FuzzWorld): Request {
  const name = get(world.seedNames, recipe.name)
  const device = world.devices.find((it) => it.thingName === name) ?? get(world.devices, 0)
  const csr = csrOf(recipe.csr, device)
  const body = JSON.stringify({
    'thing-name': name,
    'thing-name-sig': recipe.signed
      ? world.signSeed(name)
      : Buffer.alloc(256, 1).toString('base64'),
    CSR: csr && pem(csr),
    ...recipe.members,
  })
  return post(paths.seed, applyEdits(body, recipe.edits), 'application/json')
}

function csrOf(recipe: CsrRecipe, { csr, csrKey }: FuzzDevice): Buffer | undefined {
  switch (recipe.kind) {
    case 'none':
      return undefined
    case 'good':
      return csr
    case 'bytes':
      return Buffer.from(recipe.bytes)
    case 'mutated':
      return mutateDer(csr, recipe.mutations)
    case 'resigned':
      return forgeCsr(csrKey, { info: mutateDer(contentsOf(csr), recipe.mutations) })
  }
}

function chainOf({ chain }: FuzzDevice, recipe: ChainRecipe | undefined, world: FuzzWorld) {
  if (chain === undefined) return {}
  const sent = recipe === undefined ? chain : changedChain(chain, recipe, world)
  return { x5c: sent.map((it) => it.toString('base64')) }
}

function changedChain(chain: readonly Buffer[], recipe: ChainRecipe, world: FuzzWorld): Buffer[] {
  const { changed, mutations } = recipe
  const [leaf, line] = [get(chain, 0), get(world.certificates, 0)]
  const others = recipe.others.map((index) => get(world.certificates, index))
  // As its authority would have certified it: what is wrong in it is reached.
  const resign = (certificate: Buffer, by: 'root' | 'line') =>
    resigned(mutateDer(contentsOf(certificate), mutations), by, world)
  switch (changed) {
    case 'none':
      return [leaf, ...others]
    case 'leaf':
      return [mutateDer(leaf, mutations), ...chain.slice(1)]
    case 'resigned':
      return [leaf, resign(line, 'root')]
    case 'resigned leaf':
      return [resign(leaf, 'line'), line]
    case 'other':
      return [leaf, ...chain.slice(1).map((it) => mutateDer(it, mutations))]
  }
}

const ecdsaSha256 = Buffer.from('300a06082a8648ce3d040302', 'hex')

function resigned(contents: Buffer, by: 'root' | 'line', world: FuzzWorld): Buffer {
  const signature = world.certify(contents, by)
  const bits = Buffer.concat([Buffer.from([0x03, signature.length + 1, 0]), signature])
  return sequence(contents, ecdsaSha256, bits)
}

/** The first value within a SEQUENCE: what is signed. */
function contentsOf(document: Buffer): Buffer {
  const headOf = (at: number) => {
    const first = document[at + 1] ?? 0
    return first < 0x80 ? 2 : 2 + (first - 0x80)
  }
  const begin = headOf(0)
  const head = headOf(begin)
  const size = head === 2 ? (document[begin + 1] ?? 0) : document.readUIntBE(begin + 2, head - 2)
  return document.subarray(begin, begin + head + size)
}

function applyEdits(text: string, edits: readonly Edit[]): string {
  return edits.reduce(applyEdit, text)
}

function applyEdit(it: string, { at, what, text: odd }: Edit): string {
  const place = it.length === 0 ? 0 : at % it.length
  const [before, after] = [it.slice(0, place), it.slice(place)]
  switch (what) {
    case 'delete':
      return before + after.slice(odd.length)
    case 'insert':
      return before + odd + after
    case 'replace':
      return before + odd + after.slice(odd.length)
    case 'double':
      return before + after + after
    case 'cut':
      return before
    case 'flip':
      return before + String.fromCharCode(after.charCodeAt(0) ^ 1) + after.slice(1)
  }
}

function pem(csr: Buffer): string {
  const lines = csr.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`
}

function post(path: string, body: string | Uint8Array, contentType: string): Request {
  return new Request(`http://edge.test${path}`, {
    method: 'POST',
    headers: { 'Content-Type': contentType },
    body: typeof body === 'string' ? body : Buffer.from(body),
  })
}
