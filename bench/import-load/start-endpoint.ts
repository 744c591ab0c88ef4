import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { EndpointAsk, EndpointCounts, EndpointMode, Item } from './endpoint.ts'

export type Endpoint = {
  readonly url: string
  reset(mode: EndpointMode, rows?: readonly Item[]): Promise<void>
  counts(): Promise<EndpointCounts>
  rows(): Promise<readonly Item[]>
  /** Resolves once it has answered so many more writes. */
  answered(writes: number): Promise<void>
  close(): void
}

/** `products`: the rows of its control table. */
export async function startEndpoint(products: readonly Item[]): Promise<Endpoint> {
  const child = fork(fileURLToPath(new URL('endpoint.ts', import.meta.url)))
  const [port] = await once(child, 'message')

  async function ask(asked: EndpointAsk) {
    const answer = once(child, 'message')
    child.send(asked)
    const [told] = await answer
    return told
  }

  return {
    url: `http://127.0.0.1:${port}`,
    async reset(mode, rows = []) {
      await ask({ ask: 'reset', mode, products, rows })
    },
    counts: () => ask({ ask: 'counts' }),
    rows: () => ask({ ask: 'rows' }),
    async answered(writes) {
      await ask({ ask: 'notify-after', writes })
      await once(child, 'message')
    },
    close: () => child.disconnect(),
  }
}
