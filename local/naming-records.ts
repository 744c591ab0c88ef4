import { z } from 'zod'
import { ALLOW_LIST_TABLE } from './identity.ts'
import { AwsError, type Service } from './service.ts'

/** A provisioned device record that names a certificate; null where the row lacks the attribute. */
export type NamingRecord = {
  readonly thingName: string
  readonly status: string
  readonly rev: number | null
  readonly certificateId: string
  readonly region: string | null
}

export type NamingRecords = {
  /** The service, each of whose writes is noted before it is performed. */
  listeningTo(dynamoDb: Service): Service
  /** The rows with status `provisioned` that name the certificate now, by consistent reads. */
  find(certificateId: string): Promise<readonly NamingRecord[]>
}

/** Performs a DynamoDB operation in this process; throws AwsError. */
export type AskDynamoDb = (operation: string, members: object) => Promise<unknown>

const text = z.object({ S: z.string() })
const keySchema = z.looseObject({ thing_name: text })
/** An attribute of another type, as only a hand writes it, counts as absent. */
const rowSchema = z.object({
  prov_status: text.optional().catch(undefined),
  certificate_id: text.optional().catch(undefined),
  rev: z.object({ N: z.coerce.number() }).optional().catch(undefined),
  aws_region: text.optional().catch(undefined),
})
type Row = z.infer<typeof rowSchema>

const writeSchema = z.object({
  TableName: z.literal(ALLOW_LIST_TABLE),
  Key: keySchema.optional(),
  Item: keySchema.optional(),
})
const batchSchema = z.object({
  RequestItems: z.object({
    [ALLOW_LIST_TABLE]: z.array(z.object({ PutRequest: z.object({ Item: keySchema }).optional() })),
  }),
})
const scanSchema = z.object({
  Items: z.array(z.object({ thing_name: text, certificate_id: text })),
  LastEvaluatedKey: keySchema.optional(),
})

/**
 * Finds a certificate's records without an index in DynamoDB: every write that carries a certificate's
 * id is remembered by it, so those rows and no others can name it, and reading them tells. Where rows
 * may be there from before (`earlierRows`), one scan at the first question remembers those too.
 */
export function createNamingRecords(ask: AskDynamoDb, earlierRows: boolean): NamingRecords {
  const thingNames = new Map<string, Set<string>>()
  let earlier: Promise<void> | undefined = earlierRows ? undefined : Promise.resolve()

  function remember(certificateId: string, thingName: string): void {
    const names = thingNames.get(certificateId) ?? new Set()
    thingNames.set(certificateId, names.add(thingName))
  }

  async function scan(): Promise<void> {
    let start: object = {}
    for (;;) {
      const answer = await ask('Scan', {
        TableName: ALLOW_LIST_TABLE,
        ConsistentRead: true,
        FilterExpression: 'attribute_type(certificate_id, :text)',
        ExpressionAttributeValues: { ':text': { S: 'S' } },
        ProjectionExpression: 'thing_name, certificate_id',
        ...start,
      })
      const { Items, LastEvaluatedKey } = scanSchema.parse(answer)
      for (const row of Items) remember(row.certificate_id.S, row.thing_name.S)
      if (LastEvaluatedKey === undefined) return
      start = { ExclusiveStartKey: LastEvaluatedKey }
    }
  }

  async function read(thingName: string): Promise<Row | undefined> {
    const answer = await ask('GetItem', {
      TableName: ALLOW_LIST_TABLE,
      Key: { thing_name: { S: thingName } },
      ConsistentRead: true,
    })
    return z.object({ Item: rowSchema.optional() }).parse(answer).Item
  }

  return {
    listeningTo: (dynamoDb) => ({
      ...dynamoDb,
      async handle(operation, request) {
        for (const item of writtenItems(operation, request.body)) {
          const { S: thingName } = item.key.thing_name
          for (const id of item.certificateIds) remember(id, thingName)
        }
        return dynamoDb.handle(operation, request)
      },
    }),
    async find(certificateId) {
      earlier ??= unlessNoTable(scan())
      try {
        await earlier
      } catch (error) {
        earlier = undefined
        throw error
      }
      const found: NamingRecord[] = []
      for (const thingName of thingNames.get(certificateId) ?? []) {
        const row = await unlessNoTable(read(thingName))
        const status = row?.prov_status?.S ?? ''
        if (status !== 'provisioned' || row?.certificate_id?.S !== certificateId) continue
        const rev = row.rev?.N ?? null
        const region = row.aws_region?.S ?? null
        found.push({ thingName, status, rev, certificateId, region })
      }
      return found
    },
  }
}

type WrittenItem = {
  readonly key: z.infer<typeof keySchema>
  readonly certificateIds: readonly string[]
}

/** What a write to the allow-list writes, as far as it carries ids; [] for anything else. */
function writtenItems(operation: string, body: Buffer): readonly WrittenItem[] {
  switch (operation) {
    case 'PutItem':
    case 'UpdateItem': {
      const ids = certificateIdsIn(body.toString())
      if (ids.length === 0) return []
      const write = writeSchema.safeParse(parseJson(body)).data
      const key = write?.Key ?? write?.Item
      return key ? [{ key, certificateIds: ids }] : []
    }
    case 'BatchWriteItem': {
      const batch = batchSchema.safeParse(parseJson(body)).data
      return (batch?.RequestItems[ALLOW_LIST_TABLE] ?? []).flatMap(({ PutRequest }) =>
        PutRequest
          ? [
              {
                key: PutRequest.Item,
                certificateIds: certificateIdsIn(JSON.stringify(PutRequest.Item)),
              },
            ]
          : [],
      )
    }
    default:
      return []
  }
}

/** Every text that could be a certificate's id, whatever attribute it stands in. */
function certificateIdsIn(json: string): readonly string[] {
  return [...json.matchAll(/"([a-f0-9]{64})"/g)].map(([, id = '']) => id)
}

/** Undefined for what isn't JSON: DynamoDB refuses it itself. */
function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

async function unlessNoTable<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof AwsError && error.code === 'ResourceNotFoundException') return undefined
    throw error
  }
}
