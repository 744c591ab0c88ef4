// @peculiar/x509's container wants the Reflect polyfill before it loads.
import 'reflect-metadata'
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509'
import { CommandFailure } from '../failure.ts'

export type KeyType = 'ec' | 'rsa'

/** A new private key as PKCS#8 PEM: EC P-256, or RSA 2048 as the seed's device makes it. */
export function makeKeyPem(type: KeyType): string {
  const { privateKey } =
    type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

const ALGORITHMS = {
  ec: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
} as const

/** A certificate request (PEM) with CN = the thing name, signed with the device's own key. */
export async function makeCsrPem(thing: string, keyPem: string): Promise<string> {
  const privateKey = readKey(keyPem)
  const algorithm = ALGORITHMS[keyType(privateKey)]
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [thing] }],
    keys: {
      privateKey: privateKey.toCryptoKey(algorithm, false, ['sign']),
      publicKey: createPublicKey(privateKey).toCryptoKey(algorithm, true, ['verify']),
    },
    signingAlgorithm: algorithm,
  })
  return `${request.toString('pem')}\n`
}

function readKey(keyPem: string): KeyObject {
  try {
    return createPrivateKey(keyPem)
  } catch (cause) {
    throw new CommandFailure('the device key in the folder is no private key in PEM', {
      hint: 'remove it to let the device make a new one',
      cause,
    })
  }
}

function keyType(key: KeyObject): KeyType {
  if (key.asymmetricKeyType === 'rsa') return 'rsa'
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') {
    return 'ec'
  }
  throw new CommandFailure('the device key is neither EC P-256 nor RSA', {
    hint: 'remove it to let the device make a new one',
  })
}
