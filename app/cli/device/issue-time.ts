import { type Answer, notWhatWasAsked } from './contract.ts'
import type { EdgeClient } from './edge-client.ts'

/** How a request is dated: by this device's clock, or by a nonce of the edge's. */
export type IssueTime = { readonly iat: number } | { readonly nonce: string }

export type IssueTimes = {
  /** A new one for each request; or why there is none. */
  next(signal: AbortSignal): Promise<IssueTime | Answer>
  /** The edge called a request stale: the clock isn't trusted any more. `nonce`: what it sent along. */
  distrustClock(nonce: string | undefined): void
}

/** `url` is where nonces are; `hasClock` false: every request has one. */
export function createIssueTimes(client: EdgeClient, url: string, hasClock: boolean): IssueTimes {
  let trustsClock = hasClock
  let sentAlong: string | undefined
  return {
    async next(signal) {
      if (trustsClock) return { iat: Date.now() / 1000 }
      if (sentAlong !== undefined) {
        const nonce = sentAlong
        sentAlong = undefined
        return { nonce }
      }
      const answer = await client.send({ url, method: 'GET' }, signal)
      if ('kind' in answer) return answer
      const nonce = answer.header('replay-nonce')
      if (answer.status === 204 && nonce !== undefined) return { nonce }
      return notWhatWasAsked(url, answer)
    },
    distrustClock(nonce) {
      trustsClock = false
      sentAlong = nonce
    },
  }
}
