/**
 * The raw ceiling: the same rows by the same client over as many connections, rendered beforehand, and
 * nothing else. Run as `node raw-puts.ts ENDPOINT ROWS PARALLEL`; prints seconds.
 */
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { renderRow } from '../../app/allowlist/device-row.ts'
import { allowedDevice } from '../../app/provisioning/device-record.ts'
import { awsHttpHandler } from '../../regions/aws-http.ts'
import { benchDetails, benchName } from './fleet-file.ts'

const [endpoint = '', rows = '0', parallel = '1'] = process.argv.slice(2)
const connections = Number(parallel)
const client = new DynamoDBClient({
  endpoint,
  region: 'eu-west-1',
  maxAttempts: 1,
  requestHandler: awsHttpHandler({ connectSeconds: 5, requestSeconds: 15, connections }),
})
const now = Date.now()
const items = Array.from({ length: Number(rows) }, (_, index) =>
  renderRow(allowedDevice(benchName(index), now, benchDetails(index))),
)
const startedAt = performance.now()
let next = 0
await Promise.all(
  Array.from({ length: connections }, async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) {
      await client.send(
        new PutItemCommand({
          TableName: 'iot-global-provisioning',
          Item: item,
          ConditionExpression: 'attribute_not_exists(thing_name)',
        }),
      )
    }
  }),
)
process.stdout.write(JSON.stringify({ seconds: (performance.now() - startedAt) / 1000 }))
