import { once } from 'node:events'
import { relative } from 'node:path'
import { CommandFailure } from '../failure.ts'
import { findLocationTable } from '../geo/location-source.ts'
import type { CommandContext } from '../program.ts'
import { shellWord } from '../shell-word.ts'
import type { LocalFlags } from './command.ts'
import { type Local, localSteps, startLocal } from './start-local.ts'

/** `landfall local`: until Ctrl-C, SIGTERM or the edge's own end. */
export async function runLocal(flags: LocalFlags, context: CommandContext): Promise<void> {
  const { terminal, signal } = context
  const locationFile = await findLocationTable(terminal)
  const progress = terminal.progress(localSteps)
  let local: Local
  try {
    local = await startLocal({
      dataFolder: flags.data,
      ...(flags.regions === undefined ? {} : { regions: flags.regions }),
      ...(flags.instance === undefined ? {} : { instance: flags.instance }),
      ...(locationFile === undefined ? {} : { locationFile }),
      ...(flags.port === undefined ? {} : { port: flags.port }),
      ...(flags.edgePort === undefined ? {} : { edgePort: flags.edgePort }),
      onNotice: terminal.note,
      onStep: (text) => progress.step(`Starting ${text} …`),
    })
  } finally {
    progress.finish()
  }
  try {
    if (flags.json === true) terminal.json(local.json)
    else describe(local, context)
    if (signal.aborted) return
    const ended = new AbortController()
    const why = await Promise.race([
      local.edgeDied,
      once(signal, 'abort', { signal: ended.signal }).then(() => undefined),
    ]).finally(() => ended.abort())
    // Ctrl-C in a terminal reaches the edge too, and may end it first.
    if (why !== undefined && !signal.aborted) {
      throw new CommandFailure(`the edge ended by itself (${why})`, {
        hint: 'its log is edge.log in the data folder',
      })
    }
    terminal.note('Ending: the edge finishes what is under way …')
  } finally {
    await local.close()
  }
}

function describe({ json, jsonFile }: Local, { terminal }: CommandContext): void {
  const file = shellWord(relative('', jsonFile))
  const heading = (text: string) => terminal.out(terminal.paint('bold', text))
  heading('Landfall runs on this machine. Ctrl-C ends it.')
  terminal.out(`provisioning URL  ${json.provisionUrl}  (the seed contract)`)
  terminal.out(`                  ${json.landfallUrl}  (the Landfall contract)`)
  terminal.out(`audience          ${json.audience}`)
  terminal.out(`AWS endpoint      ${json.awsEndpointUrl}  (account ${json.accountId})`)
  terminal.out(`control           ${json.controlUrl}`)
  terminal.out(`CA file           ${json.caFile}`)
  terminal.out(`signing keys      ${json.signingKeyFile}`)
  terminal.out(`                  ${json.landfallKeyFile}`)
  terminal.out(`all of this       ${jsonFile}`)
  terminal.out('')
  terminal.table(
    ['region', 'endpoint', 'port'],
    json.regions.map((it) => [it.region, it.endpointAddress, String(it.mqttPort)]),
  )
  terminal.out('')
  heading('For the AWS CLI, as the operator:')
  // The AWS CLI's version 1 reads the second, everything else the first.
  const region = json.dynamodbRegion
  terminal.out(`export AWS_REGION=${region} AWS_DEFAULT_REGION=${region}`)
  terminal.out(`export AWS_ACCESS_KEY_ID=${json.accessKeyId}`)
  terminal.out(`export AWS_SECRET_ACCESS_KEY=${json.secretAccessKey}`)
  // Versions before 2.13 and 1.29 don't read AWS_ENDPOINT_URL, and would ask AWS itself.
  const table = json.allowListTable
  terminal.out(`aws --endpoint-url ${json.awsEndpointUrl} dynamodb scan --table-name ${table}`)
  terminal.out('')
  heading('Next, in another terminal:')
  terminal.out(`npx landfall allow add mydevice1 --local ${file}`)
  terminal.out(
    `npx landfall device --thing mydevice1 --local ${file} --own-key --address 133.11.0.1`,
  )
  terminal.out(`npx landfall allow show mydevice1 --local ${file}`)
}
