import { AttachThingPrincipalCommand, CreateThingCommand } from '@aws-sdk/client-iot'
import { clientOf } from './in-process.ts'
import { newCertificate, openIot } from './use-iot.ts'

/** Writes into the folder until it is killed, and prints each thing once all of it was answered. */
const iot = await openIot(process.argv[2])
const client = clientOf(iot.service, 'eu-west-1')
for (let n = 1; ; n++) {
  const thingName = `t${n}`
  const { thingId } = await client.send(new CreateThingCommand({ thingName }))
  const { certificateArn: principal } = await newCertificate(client)
  await client.send(new AttachThingPrincipalCommand({ thingName, principal }))
  process.stdout.write(`${thingName} ${thingId} ${principal}\n`)
}
