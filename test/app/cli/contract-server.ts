import 'reflect-metadata'
import { createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { Pkcs10CertificateRequest } from '@peculiar/x509'
import { certifyKey } from '../../certify-key.ts'

type Body = { readonly [field: string]: string | undefined }

export type Seen = {
  readonly headers: IncomingHttpHeaders
  readonly body: Body
  /** The signature fits the name that was sent. */
  readonly signed: boolean
}

/** What the server does with its n-th request instead of provisioning. */
export type Instead =
  | { status: number; body: string; headers?: Record<string, string> }
  | 'drop-connection'

/** A small HTTP server that speaks the seed contract; its endpoint address leads nowhere. */
export async function startContractServer(instead: readonly (Instead | undefined)[] = []) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const seen: Seen[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const body: Body = JSON.parse(text)
    const signed = isSigned(body, publicKey)
    const answer = instead[seen.length]
    seen.push({ headers: request.headers, body, signed })
    if (answer === 'drop-connection') return void request.socket.destroy()
    if (answer !== undefined) {
      return void response.writeHead(answer.status, answer.headers ?? {}).end(answer.body)
    }
    if (!signed) {
      return void response.writeHead(401).end('{"status":"error","message":"wrong sig"}')
    }
    const made =
      body.CSR === undefined ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : undefined
    const PrivateKey = made?.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()
    const certificate = await certifyKey(
      made === undefined ? keyOf(body.CSR ?? '') : made.publicKey,
    )
    response.end(
      JSON.stringify({
        status: 'success',
        region: 'eu-west-1',
        endpointAddress: '127.0.0.1',
        certificatePem: certificate.toString('pem'),
        distance: 12.5,
        ...(PrivateKey === undefined ? {} : { PrivateKey }),
      }),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}/device-provisioning`,
    signingKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    seen,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function isSigned(body: Body, publicKey: KeyObject): boolean {
  const signature = Buffer.from(body['thing-name-sig'] ?? '', 'base64')
  return verify('sha256', Buffer.from(body['thing-name'] ?? '', 'utf8'), publicKey, signature)
}

function keyOf(csrPem: string): KeyObject {
  const { publicKey } = new Pkcs10CertificateRequest(csrPem)
  return createPublicKey({ key: Buffer.from(publicKey.rawData), format: 'der', type: 'spki' })
}
