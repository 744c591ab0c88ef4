import type { Socket } from 'node:net'
import { createServer, type Server, TLSSocket } from 'node:tls'
import { Aedes, type AedesOptions, type AuthenticateError, type Client } from 'aedes'
import { type Authority, certificateIdOf } from './authority.ts'
import type { Connection, MqttRules } from './mqtt-rules.ts'
import { coversTopic } from './topic-filter.ts'

export type BrokerOptions = {
  readonly region: string
  readonly address: string
  readonly port: number
  readonly authority: Authority
  readonly rules: MqttRules
  /** Why something was refused: one object a line, never a payload or a key. */
  readonly log: (entry: BrokerLogEntry) => void
}

export type BrokerLogEntry = {
  readonly event: 'mqtt-refused'
  readonly region: string
  readonly clientId?: string
  readonly certificateId?: string
  readonly reason: string
}

/** One Region's message broker: MQTT 3.1.1 over mutual TLS, at most QoS 1. */
export type Broker = {
  /** Closes what is connected with this certificate, if it may no longer connect. */
  dropInactive(certificateId: string): void
  close(): Promise<void>
}

/**
 * Listens, and resolves once it does; rejects with the listen error (code EADDRINUSE …).
 * Sessions and retained messages live in memory: a restart forgets them.
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { address, port, authority } = options
  const clients = new Set<Client>()
  const sockets = new Set<Socket>()
  const door = createDoor(options)
  const aedes = await Aedes.createBroker({ ...door.handlers, maxClientsIdLength: 128 })
  // Both follow a refusal, which is logged where it is decided.
  for (const event of ['clientError', 'connectionError'] as const) aedes.on(event, () => {})

  const server = createServer({
    ...(await authority.issueForServer(address)),
    ca: authority.caPem,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    handshakeTimeout: 10_000,
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('secureConnection', (socket) => {
    const client = aedes.handle(socket)
    clients.add(client)
    socket.once('close', () => clients.delete(client))
  })
  server.on('tlsClientError', (error) => door.refuse({}, `TLS: ${tlsFailure(error)}`))

  const close = async () => {
    door.shut()
    await new Promise<void>((resolve) => aedes.close(resolve))
    for (const socket of sockets) socket.destroy()
  }
  await listen(server, address, port).catch(async (error) => {
    await close()
    throw error
  })
  return {
    dropInactive(certificateId) {
      for (const client of clients) {
        if (door.mustDrop(client, certificateId)) client.close()
      }
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      await close()
      await closed
    },
  }
}

/** Applies the rules to aedes' questions. Once shut it refuses everything and asks nobody. */
function createDoor({ region, rules, log }: BrokerOptions) {
  // A will is published after its connection has closed, so entries end with their client.
  const connections = new WeakMap<Client, Connection>()
  // aedes keeps a refused filter in a lasting session when a granted one stands beside it, and would
  // queue for it; a returning client's filters are asked for again before its queue is sent.
  const granted = new WeakMap<Client, Set<string>>()
  let open = true
  const find = (client: Client | null) => (open && client ? connections.get(client) : undefined)
  const refuse = (connection: Partial<Connection>, reason: string) => {
    if (open) log({ event: 'mqtt-refused', region, ...connection, reason })
  }

  const handlers: AedesOptions = {
    preConnect(client, packet, done) {
      const connection = { certificateId: peerOf(client), clientId: packet.clientId }
      connections.set(client, connection)
      granted.set(client, new Set())
      if ((packet.will?.qos ?? 0) < 2) return done(null, open)
      refuse(connection, 'AWS IoT has no QoS 2, for a will neither')
      done(new Error('will with QoS 2'), false)
    },

    authenticate(client, _username, _password, done) {
      const connection = find(client)
      if (connection === undefined) return done(notAuthorized('closing'), false)
      const reason = rules.refuseConnect(connection)
      if (reason === undefined) return done(null, true)
      refuse(connection, reason)
      done(notAuthorized(reason), false)
    },

    authorizePublish(client, packet, done) {
      const connection = find(client)
      if (connection === undefined) return done(new Error('not connected'))
      const reason = rules.refusePublish(connection, {
        topic: packet.topic,
        qos: packet.qos,
        retain: packet.retain,
        payloadBytes: Buffer.byteLength(packet.payload),
      })
      if (reason === undefined) return done(null)
      refuse(connection, reason)
      done(new Error(reason))
    },

    authorizeSubscribe(client, subscription, done) {
      const connection = find(client)
      if (connection === undefined) return done(new Error('not connected'))
      const { topic: filter, qos } = subscription
      const refusal = rules.refuseSubscribe(connection, { filter, qos })
      if (refusal === undefined) {
        granted.get(client)?.add(filter)
        return done(null, subscription)
      }
      refuse(connection, refusal.why)
      done(refusal.grave ? new Error(refusal.why) : null, null)
    },

    authorizeForward(client, packet) {
      const connection = find(client)
      if (connection === undefined) return null
      const filters = [...(granted.get(client) ?? [])]
      if (!filters.some((filter) => coversTopic(filter, packet.topic))) return null
      const reason = rules.refuseDelivery(connection, packet.topic)
      if (reason === undefined) return packet
      refuse(connection, reason)
      return null
    },
  }

  return {
    handlers,
    refuse,
    shut() {
      open = false
    },
    mustDrop(client: Client, certificateId: string): boolean {
      const connection = find(client)
      if (connection?.certificateId !== certificateId) return false
      const reason = rules.refuseConnect(connection)
      if (reason !== undefined) refuse(connection, reason)
      return reason !== undefined
    },
  }
}

/** TLS has verified the peer's chain; this is which certificate it is. None when just cut off. */
function peerOf(client: Client): string {
  if (!(client.conn instanceof TLSSocket)) throw new Error('not a TLS connection')
  const certificate = client.conn.getPeerX509Certificate()
  return certificate === undefined ? 'none' : certificateIdOf(certificate.raw)
}

/** CONNACK return code 5. The code is a declared enum of the package, so it exists at compile time only. */
function notAuthorized(reason: string): AuthenticateError {
  return Object.assign(new Error(reason), { returnCode: 5 })
}

/** OpenSSL's reason in words, without its source lines. */
function tlsFailure(error: Error): string {
  return 'reason' in error ? String(error.reason) : error.message
}

function listen(server: Server, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
