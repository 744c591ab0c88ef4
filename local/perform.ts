import type { Socket } from 'node:net'
import type { Injection } from './faults.ts'
import { refusal } from './refusal.ts'
import { AwsError, type Service, type ServiceRequest, type ServiceResponse } from './service.ts'

/** What becomes of a call: an answer, or a connection that is cut without one. */
export type Outcome =
  | {
      readonly kind: 'answer'
      readonly response: ServiceResponse
      readonly error?: string
    }
  | { readonly kind: 'cut'; readonly error: string }

/**
 * Performs the call as the injected faults say; throws the AwsError to answer. `closing` ends a delay
 * and a hang before their time.
 */
export async function perform(
  service: Service,
  operation: string,
  request: ServiceRequest,
  injection: Injection,
  socket: Socket,
  closing: AbortSignal,
): Promise<Outcome> {
  const { delayMs, fault } = injection
  if (delayMs > 0) await delay(delayMs, closing)
  const injected = () => {
    if (!fault?.error) return refusal(request.service, 'internal-failure')
    return new AwsError(fault.error.code, fault.error.status, fault.error.message)
  }
  switch (fault?.kind) {
    case 'throttle':
      throw refusal(request.service, 'throttled')
    case 'error-before':
      throw injected()
    case 'lost-before':
      return { kind: 'cut', error: 'lost-before' }
    case 'hang':
      await gone(socket, closing)
      return { kind: 'cut', error: 'hang' }
    case 'error-after':
      await service.handle(operation, request)
      throw injected()
    case 'lost':
      await service.handle(operation, request)
      return { kind: 'cut', error: 'lost' }
    default:
      return { kind: 'answer', response: await service.handle(operation, request) }
  }
}

function delay(ms: number, closing: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      closing.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    closing.addEventListener('abort', end)
    if (closing.aborted) end()
  })
}

function gone(socket: Socket, closing: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      closing.removeEventListener('abort', end)
      resolve()
    }
    socket.once('close', end)
    closing.addEventListener('abort', end)
    if (closing.aborted || socket.destroyed) end()
  })
}
