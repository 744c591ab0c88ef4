import * as z from 'zod'
import { CommandFailure } from '../failure.ts'
import { readInput } from '../input-file.ts'

/** What `landfall local` writes into its data folder, and everything that talks to it reads. */
const localJsonSchema = z.object({
  /** `POST /device-provisioning`, the seed contract. */
  provisionUrl: z.url(),
  /** `POST /v1/provision`, the Landfall contract. */
  landfallUrl: z.url(),
  /** The deployment’s name in requests and receipts. */
  audience: z.string(),
  awsEndpointUrl: z.url(),
  controlUrl: z.url(),
  accountId: z.string().regex(/^\d{12}$/),
  dynamodbRegion: z.string(),
  /** The operator's credentials. */
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
  /** The edge's own, which may do no more than an edge does. */
  edgeAccessKeyId: z.string(),
  edgeSecretAccessKey: z.string(),
  caFile: z.string(),
  /** The default product's signers: an RSA key (PEM) for the seed contract, a private JWK Set for Landfall's. */
  signingKeyFile: z.string(),
  landfallKeyFile: z.string(),
  allowListTable: z.string(),
  controlTable: z.string(),
  edgeConfigFile: z.string(),
  instance: z.number().int(),
  regions: z.array(
    z.object({ region: z.string(), endpointAddress: z.string(), mqttPort: z.number().int() }),
  ),
})

/** The edge's log, beside local.json in the data folder. */
export const edgeLogName = 'edge.log'

export type LocalJson = z.infer<typeof localJsonSchema>

export async function readLocalJson(path: string): Promise<LocalJson> {
  const text = await readInput(path, 'local.json')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new CommandFailure(`${path} is no JSON`, { hint: HINT, cause })
  }
  const parsed = localJsonSchema.safeParse(json)
  if (!parsed.success) {
    const fields = parsed.error.issues.map((issue) => issue.path.join('.') || 'the whole')
    throw new CommandFailure(`${path} is no local.json: ${fields.join(', ')} missing or wrong`, {
      hint: HINT,
    })
  }
  return parsed.data
}

const HINT =
  'landfall local writes this file into its data folder; where an older version did, end it and start it again'
