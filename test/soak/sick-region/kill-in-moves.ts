import { setTimeout as sleep } from 'node:timers/promises'
import type { EdgeProcess, Stage } from '../../stage.ts'
import type { Load } from './load.ts'

const patienceMs = 8000
const delayMs = 500

/**
 * Kills the first edge while its moving write is under way, and the second between that write and the
 * calls to the second region. The rest goes on. Says what each left behind, as the records have it.
 */
export async function killInMoves(
  stage: Stage,
  load: Load,
  [first, second]: readonly EdgeProcess[],
): Promise<string[]> {
  if (first === undefined || second === undefined) throw new Error('there are no edges to kill')
  const slow = { kind: 'delay', delayMs }
  // Long enough to be in the middle of them.
  await stage.fault({ ...slow, service: 'dynamodb', operation: 'UpdateItem', region: 'eu-west-1' })
  await stage.fault({ ...slow, service: 'iot', region: 'us-east-1' })
  try {
    return await Promise.all([killInWrite(stage, load, first), killAfterWrite(stage, load, second)])
  } finally {
    await endDelays(stage)
  }
}

async function endDelays({ aws }: Stage): Promise<void> {
  const { faults } = (await (await fetch(`${aws.controlUrl}/faults`)).json()) as {
    faults: { id: string; kind: string }[]
  }
  for (const { id, kind } of faults) {
    if (kind === 'delay') await fetch(`${aws.controlUrl}/faults/${id}`, { method: 'DELETE' })
  }
}

/** The SDK tries CreateThing three times; then the attempt moves. */
async function killInWrite(stage: Stage, load: Load, edge: EdgeProcess): Promise<string> {
  const name = load.addOne(edge)
  await until(async () => {
    const failed = (await stage.calls()).filter(
      (it) => it.operation === 'CreateThing' && it.resource.endsWith(`/${name}`),
    )
    return failed.length >= 3
  })
  await sleep(50)
  const before = await stage.row(name)
  await edge.stop('SIGKILL')
  await sleep(delayMs * 2)
  const after = await stage.row(name)
  return `${name}: killed in the moving write; the record said ${before?.region}, then ${after?.status} in ${after?.region}`
}

async function killAfterWrite(stage: Stage, load: Load, edge: EdgeProcess): Promise<string> {
  const name = load.addOne(edge)
  await until(async () => {
    const row = await stage.row(name)
    return row?.status === 'provisioning' && row.region === 'us-east-1'
  })
  await edge.stop('SIGKILL')
  const after = await stage.row(name)
  return `${name}: killed after the moving write; the record said ${after?.status} in ${after?.region}`
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + patienceMs
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) throw new Error('no edge moved an attempt')
    await sleep(20)
  }
}
