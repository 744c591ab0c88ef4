import { randomUUID } from 'node:crypto'
import { ResourceNotFoundException, UpdateCertificateCommand } from '@aws-sdk/client-iot'
import type { CertificateRef } from '../../provisioning/device-record.ts'
import { confirm } from '../confirm.ts'
import { errorMessage } from '../failure.ts'
import type { CommandContext } from '../program.ts'
import { type AllowListAccess, forDevice, openAllowList, someFailed } from './allow-list-access.ts'
import type { BlockFlags } from './command.ts'
import { orderDevice } from './order.ts'

/**
 * `landfall allow block`: for each device one compare-and-swap on its record, then INACTIVE for what
 * the record lists as superseded. The record goes first: from then on no attempt can commit.
 */
export async function blockDevices(
  names: readonly string[],
  flags: BlockFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal, signal } = context
  const access = await openAllowList(names, flags)
  if (flags.yes !== true) {
    await confirm(`Block ${names.join(', ')} for good?`, 'nothing was blocked', context)
  }
  let unknown = 0
  let active = 0
  for (const name of names) {
    const event = { type: 'block', attemptId: randomUUID() } as const
    const ordered = await forDevice(`${name} wasn’t blocked`, () =>
      orderDevice(access, name, event, signal),
    )
    if (ordered?.kind !== 'done') {
      unknown++
      if (flags.json === true) terminal.json({ thingName: name, blocked: false })
      else terminal.out(`${name} is not in the allow-list`)
      continue
    }
    const { superseded } = ordered.record
    const troubles = await deactivate(access, superseded, signal)
    if (troubles.length > 0) active++
    const certificates = superseded.length
    if (flags.json === true)
      terminal.json({ thingName: name, blocked: true, certificates, troubles })
    else terminal.out(`${name} blocked${certificates > 0 ? describe(certificates, troubles) : ''}`)
  }
  if (active > 0) {
    throw someFailed(
      active,
      names.length,
      'blocked, but a certificate may still be active',
      'block again with credentials that may call iot:UpdateCertificate there',
    )
  }
  if (unknown > 0) {
    throw someFailed(unknown, names.length, 'not in the allow-list', 'check the names')
  }
}

/** INACTIVE for each, in its region; returns a sentence for each that could not be reached. */
async function deactivate(
  { aws }: AllowListAccess,
  certificates: readonly CertificateRef[],
  signal: AbortSignal,
): Promise<string[]> {
  const troubles: string[] = []
  for (const { region, certificateId } of certificates) {
    const client = aws.iot(region)
    try {
      await client.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }), {
        abortSignal: signal,
      })
    } catch (error) {
      if (error instanceof ResourceNotFoundException) continue
      troubles.push(`${certificateId} in ${region}: ${errorMessage(error)}`)
    } finally {
      client.destroy()
    }
  }
  return troubles
}

function describe(certificates: number, troubles: readonly string[]): string {
  if (troubles.length > 0) return `; NOT inactive: ${troubles.join('; ')}`
  return certificates === 1 ? '; its certificate is inactive' : '; its certificates are inactive'
}
