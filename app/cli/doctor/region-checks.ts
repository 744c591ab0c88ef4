import { once } from 'node:events'
import { isIP } from 'node:net'
import { connect } from 'node:tls'
import { DescribeEndpointCommand, IoTClient } from '@aws-sdk/client-iot'
import { STSClient } from '@aws-sdk/client-sts'
import { assumeRole } from '../../../regions/assumed-role.ts'
import type { EdgeConfig } from '../../edge/config.ts'
import { CommandFailure } from '../failure.ts'
import { type Check, check } from './check.ts'
import type { DoctorSetup } from './setup.ts'

const MQTT_PORT = 8883
const CONNECT_MS = 10_000

type DeviceRegion = EdgeConfig['deviceRegions'][number]

/** For each device region: its role can be assumed, its endpoint is the configured one, MQTT answers. */
export async function checkRegions(setup: DoctorSetup): Promise<Check[]> {
  const sts = new STSClient({ ...setup.clientConfig, region: setup.config.region })
  try {
    const perRegion = await Promise.all(
      setup.config.deviceRegions.map((it) => checkRegion(it, sts, setup)),
    )
    return perRegion.flat()
  } finally {
    sts.destroy()
  }
}

async function checkRegion(
  deviceRegion: DeviceRegion,
  sts: STSClient,
  setup: DoctorSetup,
): Promise<Check[]> {
  const { region, roleArn, externalId } = deviceRegion
  const role = assumeRole({
    sts,
    roleArn,
    ...(externalId === undefined ? {} : { externalId }),
    sessionName: 'landfall-doctor',
    now: Date.now,
  })
  const iot = new IoTClient({ ...setup.clientConfig, region, credentials: role.credentials })
  try {
    const assumed = await check(
      `${region} role`,
      'let the role trust the edge’s principal, and the edge assume the role',
      async () => {
        await role.credentials()
        return roleArn
      },
    )
    if (!assumed.ok) return [assumed]
    let address = deviceRegion.endpointAddress
    const endpoint = await check(
      `${region} endpoint`,
      'allow iot:DescribeEndpoint to the role',
      async () => {
        const command = new DescribeEndpointCommand({ endpointType: 'iot:Data-ATS' })
        const found = (await iot.send(command)).endpointAddress
        if (address !== undefined && found !== address) {
          throw new CommandFailure(`is ${found}, and ${address} is configured`, {
            hint: 'correct endpointAddress, or leave it out',
          })
        }
        address = found
        return found ?? 'no address'
      },
    )
    const mqtt = await check(
      `${region} MQTT`,
      `let this machine reach port ${MQTT_PORT}; devices need it, the edge doesn’t`,
      () => lookAtMqtt(address ?? '', setup.caPem),
    )
    return [assumed, endpoint, mqtt]
  } finally {
    role.close()
    iot.destroy()
  }
}

/** A TLS handshake whose server certificate is checked; without a client certificate it ends there. */
async function lookAtMqtt(address: string, caPem: string | undefined): Promise<string> {
  const socket = connect({
    host: address,
    port: MQTT_PORT,
    ...(isIP(address) === 0 ? { servername: address } : {}),
    ...(caPem === undefined ? {} : { ca: caPem }),
    timeout: CONNECT_MS,
  })
  try {
    socket.once('timeout', () => socket.destroy(new Error(`no answer within ${CONNECT_MS} ms`)))
    await once(socket, 'secureConnect')
    return `${socket.getProtocol()} on port ${MQTT_PORT}`
  } finally {
    // A broker that misses a client certificate resets the connection after the handshake.
    socket.on('error', () => {})
    socket.destroy()
  }
}
