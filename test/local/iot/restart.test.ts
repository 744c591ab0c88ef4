import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  DescribeCertificateCommand,
  DescribeThingCommand,
  ListPrincipalThingsCommand,
} from '@aws-sdk/client-iot'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { clientOf } from './in-process.ts'
import { openIot } from './use-iot.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'iot-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

it('keeps the authority, whose key only its owner reads', async () => {
  const first = await openIot(folder)
  await first.close()
  const second = await openIot(folder)
  expect(second.caPem).toBe(first.caPem)
  expect(statSync(join(folder, 'ca.key')).mode & 0o777).toBe(0o600)
  expect(statSync(join(folder, 'iot.db')).mode & 0o777).toBe(0o600)
  await second.close()
})

it('keeps every answered write over a SIGKILL', async () => {
  const writer = spawn(process.execPath, [join(import.meta.dirname, 'writer.ts'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const written: string[] = []
  for await (const line of createInterface({ input: writer.stdout })) {
    written.push(line)
    if (written.length === 20) writer.kill('SIGKILL')
  }
  expect(written.length).toBeGreaterThanOrEqual(20)

  const iot = await openIot(folder)
  const client = clientOf(iot.service, 'eu-west-1')
  for (const line of written) {
    const [thingName = '', thingId = '', principal = ''] = line.split(' ')
    expect(await client.send(new DescribeThingCommand({ thingName }))).toMatchObject({ thingId })
    const attached = await client.send(new ListPrincipalThingsCommand({ principal }))
    expect(attached.things).toEqual([thingName])
    const certificateId = principal.split('/')[1] ?? ''
    const found = await client.send(new DescribeCertificateCommand({ certificateId }))
    expect(found.certificateDescription?.status).toBe('ACTIVE')
  }
  await iot.close()
})
