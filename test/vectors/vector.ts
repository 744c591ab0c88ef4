import { readdir, readFile } from 'node:fs/promises'
import * as z from 'zod'

const jwk = z.looseObject({ kty: z.string() })
const signed = z.strictObject({
  /** The text that was signed, without base64url. */
  headerText: z.string(),
  payloadText: z.string(),
  /** `base64url(headerText).base64url(payloadText)`, ASCII: what is signed. */
  signingInput: z.string(),
  signature: z.string(),
  compact: z.string(),
})

/** One exchange of the Landfall contract; test/vectors/README.md describes every member. */
export const vectorSchema = z.strictObject({
  title: z.string(),
  audience: z.string(),
  thingName: z.string(),
  now: z.int(),
  trust: z.strictObject({
    publicKey: jwk.optional(),
    signer: z.strictObject({ kid: z.string(), jwk }).optional(),
    factoryCaPem: z.string().optional(),
  }),
  signingKey: jwk,
  thumbprint: z.string(),
  deviceKeyPem: z.string().optional(),
  csrPem: z.string().optional(),
  deliveryKey: jwk.optional(),
  request: signed.extend({
    flattened: z.strictObject({
      protected: z.string(),
      payload: z.string(),
      signature: z.string(),
    }),
  }),
  answer: z.looseObject({
    thingName: z.string(),
    region: z.string(),
    endpointAddress: z.string(),
    port: z.int(),
    certificateId: z.string(),
    certificatePem: z.string(),
    privateKeyJwe: z.string().optional(),
    distanceKm: z.number(),
    reason: z.string(),
    receipt: z.string(),
  }),
  receipt: signed,
  delivered: z.strictObject({ headerText: z.string(), plaintext: z.string() }).optional(),
})

export type Vector = z.infer<typeof vectorSchema>

/** What must be refused: by an edge, or by a device that gets a receipt. */
export const refusalsSchema = z.strictObject({
  audience: z.string(),
  thingName: z.string(),
  now: z.int(),
  publicKey: jwk,
  requests: z.array(
    z.strictObject({ title: z.string(), problem: z.string(), compact: z.string() }),
  ),
  answer: vectorSchema.shape.answer,
  receipts: z.array(z.strictObject({ title: z.string(), receipt: z.string() })),
})

const folder = new URL('./', import.meta.url)

export async function readVectorFile(name: string): Promise<unknown> {
  return JSON.parse(await readFile(new URL(name, folder), 'utf8'))
}

/** Every exchange, by the name of its file. */
export async function readVectors(): Promise<(readonly [string, Vector])[]> {
  const names = (await readdir(folder)).filter((it) => /^exchange-.*\.json$/.test(it)).sort()
  return await Promise.all(
    names.map(async (name) => [name, vectorSchema.parse(await readVectorFile(name))] as const),
  )
}
