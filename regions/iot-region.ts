import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CertificateValidationException,
  CreateCertificateFromCsrCommand,
  CreateKeysAndCertificateCommand,
  CreatePolicyCommand,
  CreateThingCommand,
  DeleteCertificateCommand,
  DescribeEndpointCommand,
  DescribeThingCommand,
  InvalidRequestException,
  type IoTClient,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
  UpdateCertificateCommand,
  UpdateThingCommand,
  VersionConflictException,
} from '@aws-sdk/client-iot'
import { withinDeadline } from './deadline.ts'
import { devicePolicy } from './device-policy.ts'
import { RegionError, translateRegionError } from './region-error.ts'

/** A certificate just made, ACTIVE but attached to nothing, so that it can do nothing yet. */
export type IssuedCertificate = {
  readonly certificateId: string
  readonly certificatePem: string
  /** PEM; only where AWS IoT made the key, and only in this one answer. */
  readonly privateKey?: string
}

/**
 * AWS IoT's control plane in one region, as the protocol's steps need it. Every call throws
 * RegionError. The calls may all be repeated, but for `issueCertificate`: it makes a new certificate
 * each time, and after an error other than `throttled` or `refused` it may have made one.
 */
export type IotRegion = {
  readonly region: string
  /** The region's MQTT endpoint (iot:Data-ATS); read once where it isn't configured. */
  endpointAddress(signal: AbortSignal): Promise<string>
  /** Makes credentials and endpoint ready, so that no request waits for them. */
  warm(): Promise<void>
  /**
   * Creates the thing, marked with the attempt. One that an earlier attempt left is taken over; one
   * that carries no mark only where `adopt` is set, else RegionError `not-ours`.
   */
  createThing(
    thing: { thingName: string; attemptId: string; adopt: boolean },
    signal: AbortSignal,
  ): Promise<void>
  issueCertificate(csrPem: string | undefined, signal: AbortSignal): Promise<IssuedCertificate>
  /** Attaches policy and thing to the certificate. */
  attach(thingName: string, certificateId: string, signal: AbortSignal): Promise<void>
  /** INACTIVE, for good; a certificate that is gone counts as done. */
  deactivate(certificateId: string, signal: AbortSignal): Promise<void>
  /** Deactivates and deletes a certificate that was never attached. */
  destroy(certificateId: string, signal: AbortSignal): Promise<void>
}

/** Bounds the work that several requests share, and that therefore runs under no request's signal. */
const sharedWorkSeconds = 15

/** The thing attribute that marks what Landfall made: the attempt's id. */
export const attemptAttribute = 'landfall-attempt'

/** One AWS IoT region behind two clients, since retry strategies belong to a client. */
export function iotRegion(deps: {
  region: string
  /** Taken from the role's ARN. */
  partition: string
  account: string
  /** Retries as the SDK does. */
  client: IoTClient
  /** Retries on throttling only. */
  issuingClient: IoTClient
  /** The shared device policy's name. */
  policyName: string
  endpointAddress?: string
  warmCredentials: () => Promise<unknown>
}): IotRegion {
  const { region, client, policyName } = deps
  const arnPrefix = `arn:${deps.partition}:iot:${region}:${deps.account}`
  let endpoint: Promise<string> | undefined
  let creatingPolicy: Promise<unknown> | undefined

  /** Credentials and shared work know nothing of the signal, so each call is raced against it. */
  async function call<T>(
    operation: string,
    signal: AbortSignal,
    run: () => Promise<T>,
  ): Promise<T> {
    try {
      return await withinDeadline(signal, run())
    } catch (error) {
      throw translateRegionError(error, region, operation)
    }
  }

  async function readEndpoint(): Promise<string> {
    const { endpointAddress } = await client.send(
      new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' }),
      { abortSignal: AbortSignal.timeout(sharedWorkSeconds * 1000) },
    )
    if (!endpointAddress) throw new Error('DescribeEndpoint answered without an address')
    return endpointAddress
  }

  async function endpointAddress(signal: AbortSignal): Promise<string> {
    if (deps.endpointAddress !== undefined) return deps.endpointAddress
    endpoint ??= readEndpoint().catch((error) => {
      endpoint = undefined
      throw error
    })
    const reading = endpoint
    return await call('DescribeEndpoint', signal, () => reading)
  }

  /** A thing of that name stands there with other attributes: ours from an earlier attempt, or not. */
  async function takeOver(
    thing: { thingName: string; attemptId: string; adopt: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    const found = await client.send(new DescribeThingCommand({ thingName: thing.thingName }), {
      abortSignal: signal,
    })
    const marked = found.attributes?.[attemptAttribute] !== undefined
    if (!marked && !thing.adopt) throw new RegionError('not-ours', region, 'CreateThing')
    try {
      await client.send(
        new UpdateThingCommand({
          thingName: thing.thingName,
          expectedVersion: found.version,
          attributePayload: { attributes: { [attemptAttribute]: thing.attemptId }, merge: true },
        }),
        { abortSignal: signal },
      )
    } catch (error) {
      if (!(error instanceof VersionConflictException)) throw error
      throw new RegionError('contended', region, 'UpdateThing', { cause: error })
    }
  }

  async function attachPolicy(certificateId: string, signal: AbortSignal): Promise<void> {
    const attach = () =>
      client.send(
        new AttachPolicyCommand({ policyName, target: `${arnPrefix}:cert/${certificateId}` }),
        { abortSignal: signal },
      )
    try {
      await attach()
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw error
      creatingPolicy ??= createPolicy().finally(() => {
        creatingPolicy = undefined
      })
      await creatingPolicy
      await attach()
    }
  }

  async function createPolicy(): Promise<void> {
    const scope = { partition: deps.partition, region, account: deps.account }
    const create = new CreatePolicyCommand({ policyName, policyDocument: devicePolicy(scope) })
    try {
      await client.send(create, { abortSignal: AbortSignal.timeout(sharedWorkSeconds * 1000) })
    } catch (error) {
      if (!(error instanceof ResourceAlreadyExistsException)) throw error
    }
  }

  async function issueFromCsr(csrPem: string, signal: AbortSignal): Promise<IssuedCertificate> {
    const create = new CreateCertificateFromCsrCommand({
      certificateSigningRequest: csrPem,
      setAsActive: true,
    })
    try {
      return issued(await deps.issuingClient.send(create, { abortSignal: signal }))
    } catch (error) {
      const refused =
        error instanceof InvalidRequestException || error instanceof CertificateValidationException
      if (!refused) throw error
      throw new RegionError('invalid-csr', region, 'CreateCertificateFromCsr', { cause: error })
    }
  }

  async function deactivate(certificateId: string, signal: AbortSignal): Promise<void> {
    await ignoreMissing(
      client.send(new UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }), {
        abortSignal: signal,
      }),
    )
  }

  return {
    region,
    endpointAddress,
    async warm() {
      const signal = AbortSignal.timeout(sharedWorkSeconds * 1000)
      await Promise.all([call('AssumeRole', signal, deps.warmCredentials), endpointAddress(signal)])
    },
    createThing: (thing, signal) =>
      call('CreateThing', signal, async () => {
        const create = new CreateThingCommand({
          thingName: thing.thingName,
          attributePayload: { attributes: { [attemptAttribute]: thing.attemptId } },
        })
        try {
          await client.send(create, { abortSignal: signal })
        } catch (error) {
          if (!(error instanceof ResourceAlreadyExistsException)) throw error
          await takeOver(thing, signal)
        }
      }),
    issueCertificate: (csrPem, signal) =>
      csrPem === undefined
        ? call('CreateKeysAndCertificate', signal, async () => {
            const create = new CreateKeysAndCertificateCommand({ setAsActive: true })
            const made = await deps.issuingClient.send(create, { abortSignal: signal })
            const privateKey = made.keyPair?.PrivateKey
            if (!privateKey) throw new Error('CreateKeysAndCertificate answered without a key')
            return { ...issued(made), privateKey }
          })
        : call('CreateCertificateFromCsr', signal, () => issueFromCsr(csrPem, signal)),
    attach: (thingName, certificateId, signal) =>
      call('Attach', signal, async () => {
        const attachPrincipal = client.send(
          new AttachThingPrincipalCommand({
            thingName,
            principal: `${arnPrefix}:cert/${certificateId}`,
          }),
          { abortSignal: signal },
        )
        const results = await Promise.allSettled([
          attachPolicy(certificateId, signal),
          attachPrincipal,
        ])
        const failed = results.find((result) => result.status === 'rejected')
        if (failed !== undefined) throw failed.reason
      }),
    deactivate: (certificateId, signal) =>
      call('UpdateCertificate', signal, () => deactivate(certificateId, signal)),
    destroy: (certificateId, signal) =>
      call('DeleteCertificate', signal, async () => {
        await deactivate(certificateId, signal)
        await ignoreMissing(
          client.send(new DeleteCertificateCommand({ certificateId }), { abortSignal: signal }),
        )
      }),
  }
}

function issued(made: { certificateId?: string | undefined; certificatePem?: string | undefined }) {
  const { certificateId, certificatePem } = made
  if (!certificateId || !certificatePem) throw new Error('the answer holds no certificate')
  return { certificateId, certificatePem }
}

async function ignoreMissing(call: Promise<unknown>): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error
  }
}
