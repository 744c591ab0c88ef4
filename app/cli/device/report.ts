import { X509Certificate } from 'node:crypto'
import type { Terminal } from '../terminal.ts'
import type { DeviceFiles } from './files.ts'
import type { PowerOnEvent, PowerOnOutcome } from './power-on.ts'
import type { PublishEvent } from './publish.ts'

/** Says what a device does: for people, or as one JSON object a line. */
export type Reporter = {
  powerOn(event: PowerOnEvent): void
  provisioned(outcome: Extract<PowerOnOutcome, { kind: 'provisioned' }>, files: DeviceFiles): void
  refused(outcome: Extract<PowerOnOutcome, { kind: 'refused' }>): void
  publish(event: PublishEvent): void
  finished(sent: number): void
}

/** AWS IoT's certificate id: the SHA-256 of the certificate's DER, lower-case hex. */
export function certificateId(certificatePem: string): string {
  return new X509Certificate(certificatePem).fingerprint256.replaceAll(':', '').toLowerCase()
}

export function createReporter(
  terminal: Terminal,
  flags: { thing: string; json?: true },
): Reporter {
  return flags.json === true
    ? jsonReporter(terminal, flags.thing)
    : textReporter(terminal, flags.thing)
}

function jsonReporter(terminal: Terminal, thing: string): Reporter {
  const event = (name: string, rest: object) => terminal.json({ event: name, thing, ...rest })
  return {
    powerOn: ({ kind, ...rest }) => event(kind, rest),
    provisioned: ({ identity, known, distanceKm, message, reason }, files) =>
      event('provisioned', {
        known,
        region: identity.region,
        endpointAddress: identity.endpointAddress,
        certificateId: certificateId(identity.certificatePem),
        distanceKm,
        message,
        reason,
        files,
      }),
    refused: ({ kind, ...rest }) => event(kind, rest),
    publish: ({ kind, ...rest }) => event(kind, rest),
    finished: (sent) => event('finished', { sent }),
  }
}

function textReporter(terminal: Terminal, thing: string): Reporter {
  const step = (text: string) => terminal.note(`=> ${text}`)
  return {
    powerOn(event) {
      switch (event.kind) {
        case 'key-made':
          return step(`made an own ${event.type === 'ec' ? 'EC P-256' : 'RSA 2048'} key`)
        case 'key-found':
          return step('using the key in the folder')
        case 'asking':
          return step(`asking for ${thing} ${event.withCsr ? 'with a CSR' : 'without a CSR'}`)
        case 'again':
          return step(`${event.why}; again at once, with a nonce`)
        case 'retry':
          return step(`${event.why}; again in ${(event.delayMs / 1000).toFixed(1)} s`)
        default:
          return event satisfies never
      }
    },
    provisioned({ identity, known, distanceKm, message, reason, receipt }, files) {
      if (known) step(`${thing} was provisioned before (${files.certificate})`)
      if (message !== undefined) step(message)
      const distance = distanceKm === undefined ? '' : `, ${Math.round(distanceKm)} km away`
      terminal.out(`region       ${identity.region}${distance}`)
      terminal.out(`endpoint     ${identity.endpointAddress}`)
      terminal.out(`certificate  ${certificateId(identity.certificatePem)}`)
      if (reason !== undefined) terminal.out(`why          ${reason}`)
      if (receipt !== undefined) terminal.out(`receipt      ${files.receipt}, verified`)
    },
    refused: () => {},
    publish(event) {
      switch (event.kind) {
        case 'connected':
          return step(`connected to AWS IoT in ${event.region} (${event.endpointAddress})`)
        case 'published':
          return terminal.out(`published    ${event.topic} ${JSON.stringify(event.message)}`)
        case 'retry':
          return step(`${event.why}; again in ${(event.delayMs / 1000).toFixed(1)} s`)
        default:
          return event satisfies never
      }
    },
    finished: (sent) => step(`disconnected after ${sent} ${sent === 1 ? 'message' : 'messages'}`),
  }
}
