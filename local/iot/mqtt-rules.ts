import { decide, type MqttAction } from './connection-policy.ts'
import type { Registry } from './registry.ts'
import type { Scope } from './store.ts'

/** AWS IoT's limits on messages ("AWS IoT Core endpoints and quotas", message broker). */
const longestClientIdBytes = 128
const longestTopicBytes = 256
const mostSlashes = 7
const largestPayloadBytes = 128 * 1024

/** Who is connected, or wants to be. */
export type Connection = { readonly certificateId: string; readonly clientId: string }

export type Message = {
  readonly topic: string
  readonly qos: number
  readonly retain: boolean
  readonly payloadBytes: number
}

/** What one Region's broker lets happen. Each answers why not, or undefined where it may. */
export type MqttRules = {
  refuseConnect(connection: Connection): string | undefined
  refusePublish(connection: Connection, message: Message): string | undefined
  /** `grave`: AWS closes the connection, where it else answers the SUBACK's failure code. */
  refuseSubscribe(
    connection: Connection,
    subscription: { readonly filter: string; readonly qos: number },
  ): { readonly why: string; readonly grave: boolean } | undefined
  refuseDelivery(connection: Connection, topic: string): string | undefined
}

export function createMqttRules(registry: Registry, scope: Scope): MqttRules {
  const denied = (connection: Connection, action: MqttAction, name: string) => {
    const decision = decide(registry, scope, { ...connection, action, name })
    if (decision === 'allow') return undefined
    const why = decision === 'explicitDeny' ? 'a policy denies it' : 'no policy allows it'
    return `${action} on ${name}: ${why}`
  }

  return {
    refuseConnect(connection) {
      const { certificateId, clientId } = connection
      if (clientId === '') return 'the client id is empty'
      if (Buffer.byteLength(clientId) > longestClientIdBytes) {
        return `the client id is longer than ${longestClientIdBytes} bytes`
      }
      const status = registry.certificates.find(scope, certificateId)?.status
      if (status === undefined) return `the certificate is not registered in ${scope.region}`
      if (status !== 'ACTIVE') return `the certificate is ${status}`
      return denied(connection, 'iot:Connect', clientId)
    },

    refusePublish(connection, { topic, qos, retain, payloadBytes }) {
      if (qos > 1) return 'AWS IoT has no QoS 2'
      const shape = refuseTopic(topic)
      if (shape !== undefined) return shape
      if (payloadBytes > largestPayloadBytes) {
        return `the payload is larger than ${largestPayloadBytes} bytes`
      }
      return (
        denied(connection, 'iot:Publish', topic) ??
        (retain ? denied(connection, 'iot:RetainPublish', topic) : undefined)
      )
    },

    refuseSubscribe(connection, { filter, qos }) {
      if (qos > 1) return { why: 'AWS IoT has no QoS 2', grave: true }
      const shape = refuseTopic(filter)
      if (shape !== undefined) return { why: shape, grave: true }
      const why = denied(connection, 'iot:Subscribe', filter)
      return why === undefined ? undefined : { why, grave: false }
    },

    refuseDelivery: (connection, topic) => denied(connection, 'iot:Receive', topic),
  }
}

/** Shadows, jobs, rules and shared subscriptions begin with $: the stand-in has none of them. */
function refuseTopic(topic: string): string | undefined {
  if (topic.startsWith('$')) return `this stand-in serves no topics that begin with $: ${topic}`
  if (Buffer.byteLength(topic) > longestTopicBytes) {
    return `the topic is longer than ${longestTopicBytes} bytes`
  }
  if (topic.split('/').length - 1 > mostSlashes) return `the topic has over ${mostSlashes} slashes`
  return undefined
}
