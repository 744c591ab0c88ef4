import { CreateCertificateFromCsrCommand, type IoTClient } from '@aws-sdk/client-iot'
import { afterEach, beforeEach, expect } from 'vitest'
import { createIot, type Iot } from '../../../local/iot/iot.ts'
import { newCsr } from './device.ts'
import { accountId, clientOf } from './in-process.ts'

export const regions = ['eu-west-1', 'us-east-1']

/** A policy document that the stand-in takes. */
export const validDocument = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'iot:Connect', Resource: '*' }],
})

export function openIot(folder?: string): Promise<Iot> {
  return createIot({
    ...(folder === undefined ? {} : { folder }),
    accountId,
    regions,
    endpointAddress: (region) => `127.9.${regions.indexOf(region) + 1}.1`,
  })
}

/** A fresh stand-in for each test, and the SDK's client of its first Region. */
export function useIot(): { readonly iot: Iot; readonly client: IoTClient } {
  let iot: Iot
  let client: IoTClient
  beforeEach(async () => {
    iot = await openIot()
    client = clientOf(iot.service, 'eu-west-1')
  })
  afterEach(() => iot.close())
  return {
    get iot() {
      return iot
    },
    get client() {
      return client
    },
  }
}

export async function newCertificate(client: IoTClient, active = true) {
  const { certificateId = '', certificateArn = '' } = await client.send(
    new CreateCertificateFromCsrCommand({
      certificateSigningRequest: await newCsr(),
      setAsActive: active,
    }),
  )
  return { certificateId, certificateArn }
}

/** Matches the SDK's error of this name and HTTP status. */
export function refusal(name: string, status: number) {
  return expect.objectContaining({
    name,
    $metadata: expect.objectContaining({ httpStatusCode: status }),
  })
}

export const invalidRequest = refusal('InvalidRequestException', 400)
export const notFound = refusal('ResourceNotFoundException', 404)
