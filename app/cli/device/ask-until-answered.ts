import { setTimeout as sleep } from 'node:timers/promises'
import { CommandFailure } from '../failure.ts'
import type { Answer, DeviceContract, DeviceRequest, Provisioned, Refused } from './contract.ts'
import { retryDelayMs } from './retry.ts'

export type AskOptions = {
  /** How it asks; the caller closes it. */
  readonly contract: DeviceContract
  /** How long "try again later" and network failures are retried. */
  readonly retrySeconds: number
  readonly signal: AbortSignal
  readonly on?: (event: AskEvent) => void
}

export type AskEvent =
  | { readonly kind: 'asking'; readonly withCsr: boolean }
  /** The request was stale: asking at once, with a nonce in place of a time. */
  | { readonly kind: 'again'; readonly why: string }
  | { readonly kind: 'retry'; readonly why: string; readonly delayMs: number }

/** An edge that calls fresh nonces stale would be asked for ever. */
const MOST_STALE = 3

/**
 * Asks until there is an answer: at once where the request was stale, later where the edge says so or
 * can't be reached. Throws CommandFailure once that took too long, or for what is no edge's answer.
 */
export async function askUntilAnswered(
  { contract, signal, ...options }: AskOptions,
  request: DeviceRequest,
): Promise<Provisioned | Refused> {
  const giveUpAt = performance.now() + options.retrySeconds * 1000
  let stale = 0
  for (let attempt = 0; ; attempt++) {
    options.on?.({ kind: 'asking', withCsr: request.csrPem !== undefined })
    const answer = await contract.ask(request, signal)
    switch (answer.kind) {
      case 'provisioned':
      case 'refused':
        return answer
      case 'stale':
        stale++
        if (stale >= MOST_STALE) return answer.refused
        options.on?.({ kind: 'again', why: answer.refused.message })
        break
      case 'unreadable':
        throw new CommandFailure(`${contract.url} answered something else: ${answer.why}`, {
          hint: `check --url: it ends in ${contract.path}`,
        })
      case 'later': {
        const delayMs = retryDelayMs(attempt, answer.retryAfterSeconds, Math.random())
        if (performance.now() + delayMs > giveUpAt) {
          throw gaveUp(contract.url, options.retrySeconds, answer)
        }
        options.on?.({ kind: 'retry', why: answer.message, delayMs })
        await sleep(delayMs, undefined, { signal })
        break
      }
      default:
        return answer satisfies never
    }
  }
}

function gaveUp(
  url: string,
  retrySeconds: number,
  answer: Extract<Answer, { kind: 'later' }>,
): CommandFailure {
  return answer.status === 0
    ? new CommandFailure(`${url} can't be reached: ${answer.message}`, {
        hint: 'is the edge running, and --url right?',
      })
    : new CommandFailure(`the edge answers ${answer.status} ${answer.message}`, {
        hint: `start the device again later, or wait longer than ${retrySeconds} s with --retry-for`,
      })
}
