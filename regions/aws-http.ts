import { NodeHttpHandler } from '@smithy/node-http-handler'
import { assertInTime } from './deadline.ts'

export type HttpLimits = {
  /** Until the connection stands. */
  readonly connectSeconds: number
  /** From sending a request to the head of its answer, and for each silence within its body. */
  readonly requestSeconds: number
  /** Connections to one host at once; 100 by default. */
  readonly connections?: number
}

/**
 * The HTTP side of every AWS client here: connections kept alive, every wait bounded, and each attempt
 * (the SDK's retries too) refused once its request's deadline has passed.
 */
export function awsHttpHandler(limits: HttpLimits): NodeHttpHandler {
  const agent = { keepAlive: true, maxSockets: limits.connections ?? 100 }
  return new DeadlineHttpHandler({
    connectionTimeout: limits.connectSeconds * 1000,
    requestTimeout: limits.requestSeconds * 1000,
    throwOnRequestTimeout: true,
    // The request's time-out ends with the answer's head: an answer that stalls in its body is this one's.
    socketTimeout: limits.requestSeconds * 1000,
    httpAgent: agent,
    httpsAgent: agent,
  })
}

class DeadlineHttpHandler extends NodeHttpHandler {
  override async handle(...call: Parameters<NodeHttpHandler['handle']>) {
    const signal = call[1]?.abortSignal
    if (signal instanceof AbortSignal) assertInTime(signal)
    return await super.handle(...call)
  }
}
