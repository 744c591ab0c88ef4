import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from 'mqtt'
import { CommandFailure, errorMessage } from '../failure.ts'
import { isUnknownCa } from './edge-client.ts'
import type { DeviceIdentity } from './files.ts'
import { retryDelayMs } from './retry.ts'

const CONNECT_TIMEOUT_MS = 10_000
const KEEPALIVE_SECONDS = 30
/** Connections in a row that didn't last: then the endpoint doesn't want us. */
const MAX_SHORT_CONNECTIONS = 5
const SHORT_MS = 5_000

export type PublishOptions = {
  readonly thing: string
  readonly identity: DeviceIdentity
  readonly port: number
  /** Trusted instead of Node's own root certificates (which hold Amazon's). */
  readonly caPem?: string
  /** How many messages; undefined: until `signal` aborts. */
  readonly count?: number
  readonly intervalMs: number
  readonly qos: 0 | 1
  readonly signal: AbortSignal
  readonly on?: (event: PublishEvent) => void
}

export type PublishEvent =
  | { readonly kind: 'connected'; readonly endpointAddress: string; readonly region: string }
  | { readonly kind: 'published'; readonly topic: string; readonly message: DeviceMessage }
  | { readonly kind: 'retry'; readonly why: string; readonly delayMs: number }

/** The seed device's message; the time is UTC, to the second, without a zone. */
export type DeviceMessage = {
  readonly 'thing-name': string
  readonly global: 'device provisioning'
  readonly 'date time': string
}

export function deviceTopic(thing: string): string {
  return `data/${thing}/misc`
}

export function deviceMessage(thing: string, now: Date): DeviceMessage {
  return {
    'thing-name': thing,
    global: 'device provisioning',
    'date time': now.toISOString().slice(0, 19),
  }
}

/**
 * Connects with mutual TLS (client id = thing name, clean session) and publishes; returns how many
 * messages were sent once `count` is reached or `signal` aborts. A lost connection is made anew;
 * throws CommandFailure at once for an unknown authority, and after five connections in a row that
 * failed or didn't last.
 */
export async function connectAndPublish(options: PublishOptions): Promise<number> {
  let sent = 0
  let short = 0
  const onSent = () => ++sent === options.count
  while (!options.signal.aborted && sent !== options.count) {
    const startedAt = performance.now()
    const lost = await publishWhileConnected(options, onSent)
    if (lost === undefined) break
    if (isUnknownCa(lost)) throw connectFailure(options, lost)
    short = performance.now() - startedAt < SHORT_MS ? short + 1 : 1
    if (short >= MAX_SHORT_CONNECTIONS) throw connectFailure(options, lost)
    const delayMs = retryDelayMs(short - 1, undefined, Math.random())
    options.on?.({ kind: 'retry', why: lost.message, delayMs })
    await sleep(delayMs, undefined, { signal: options.signal }).catch(() => {})
  }
  return sent
}

/** Resolves with why the connection was lost, or undefined when all was sent or `signal` aborted. */
async function publishWhileConnected(
  options: PublishOptions,
  onSent: () => boolean,
): Promise<Error | undefined> {
  const { thing, identity, signal } = options
  const client = connect({
    protocol: 'mqtts',
    protocolVersion: 4,
    host: identity.endpointAddress,
    port: options.port,
    key: identity.keyPem,
    cert: identity.certificatePem,
    ...(options.caPem === undefined ? {} : { ca: options.caPem }),
    clientId: thing,
    clean: true,
    keepalive: KEEPALIVE_SECONDS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectPeriod: 0,
  })
  const ended = new AbortController()
  let lost: Error | undefined
  const lose = (error: Error) => {
    lost ??= error
    ended.abort()
  }
  const stop = () => ended.abort()
  client.on('error', lose)
  client.on('close', () => lose(new Error('the endpoint closed the connection')))
  signal.addEventListener('abort', stop)
  try {
    await abortable(
      new Promise<void>((resolve) => client.once('connect', () => resolve())),
      ended.signal,
    )
    options.on?.({
      kind: 'connected',
      endpointAddress: identity.endpointAddress,
      region: identity.region,
    })
    const topic = deviceTopic(thing)
    for (;;) {
      const message = deviceMessage(thing, new Date())
      await abortable(
        client.publishAsync(topic, JSON.stringify(message), { qos: options.qos }),
        ended.signal,
      )
      options.on?.({ kind: 'published', topic, message })
      if (onSent()) break
      await sleep(options.intervalMs, undefined, { signal: ended.signal })
    }
    await client.endAsync()
    return undefined
  } catch (error) {
    client.end(true)
    if (lost !== undefined) return lost
    if (signal.aborted) return undefined
    return error instanceof Error ? error : new Error(String(error))
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** Nothing waits for an answer longer than its connection lasts. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new Error('the connection ended'))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

function connectFailure(options: PublishOptions, lost: Error): CommandFailure {
  const where = `${options.identity.endpointAddress}:${options.port}`
  if (isUnknownCa(lost)) {
    return new CommandFailure(`${where} shows a certificate of an unknown authority`, {
      hint: 'give its CA certificate with --ca FILE',
      cause: lost,
    })
  }
  return new CommandFailure(`no lasting connection to ${where}: ${errorMessage(lost)}`, {
    hint: `is ${options.thing}’s certificate active and attached to its thing and policy there? To be provisioned anew, remove its files`,
    cause: lost,
  })
}
