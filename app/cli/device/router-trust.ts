import type { JSONWebKeySet } from 'jose'
import * as z from 'zod'
import { CommandFailure } from '../failure.ts'
import { type Answer, findJson, notWhatWasAsked } from './contract.ts'
import type { EdgeClient } from './edge-client.ts'
import type { LandfallSuccess } from './landfall-answer.ts'
import { findReceiptFault } from './receipt.ts'

const routerKeysSchema = z.looseObject({
  keys: z.array(z.looseObject({ kty: z.string(), kid: z.string() })).nonempty(),
})

export function findRouterKeys(json: unknown): JSONWebKeySet | undefined {
  return routerKeysSchema.safeParse(json).data
}

/** The router's public keys, and what is believed because of them. */
export type RouterTrust = {
  /** Undefined once the keys are there; else why they aren't. */
  prepare(signal: AbortSignal): Promise<Answer | undefined>
  /** Throws CommandFailure where the receipt doesn't prove that the router gave this answer. */
  verify(
    success: LandfallSuccess,
    expected: { readonly thing: string; readonly audience: string },
    signal: AbortSignal,
  ): Promise<void>
}

/** `pinned`: the keys as the device's factory knew them; undefined: those at `url`. */
export function createRouterTrust(
  client: EdgeClient,
  url: string,
  pinned: JSONWebKeySet | undefined,
): RouterTrust {
  let routerKeys = pinned
  async function fetchKeys(signal: AbortSignal): Promise<Answer | undefined> {
    const answer = await client.send({ url, method: 'GET' }, signal)
    if ('kind' in answer) return answer
    const keys = answer.status === 200 ? findRouterKeys(findJson(answer.body)) : undefined
    if (keys === undefined) return notWhatWasAsked(url, answer)
    routerKeys = keys
    return undefined
  }
  return {
    async prepare(signal) {
      return routerKeys === undefined ? await fetchKeys(signal) : undefined
    },
    async verify(success, expected, signal) {
      const check = () => findReceiptFault(success, routerKeys ?? { keys: [] }, expected)
      let fault = await check()
      // It may have a new key since the set was fetched; what the factory pinned stays as it is.
      if (fault?.code === 'unknown-key' && pinned === undefined) {
        await fetchKeys(signal)
        fault = await check()
      }
      if (fault === undefined) return
      throw new CommandFailure(`the receipt doesn’t prove that the router answered: ${fault.why}`, {
        hint: 'nothing was kept. Somebody may stand in for the router, or --router-keys or --audience is another deployment’s',
      })
    },
  }
}
