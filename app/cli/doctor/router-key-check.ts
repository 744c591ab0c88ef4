import { request } from 'undici'
import * as z from 'zod'
import { landfallPaths } from '../../edge/landfall-routes.ts'
import { parseRouterKeys } from '../../request/router-keys.ts'
import { CommandFailure } from '../failure.ts'
import { readInput } from '../input-file.ts'
import { type Check, check } from './check.ts'
import type { DoctorSetup } from './setup.ts'

const edgeMs = 5_000
const jwkSet = z.object({ keys: z.array(z.object({ kid: z.string() })) })

/** The key that signs receipts, where the configuration has it in a file; a running edge must have it too. */
export async function checkRouterKeys({ config, provisionUrl }: DoctorSetup): Promise<Check[]> {
  const { audience, routerKeysFile } = config
  if (audience === undefined || routerKeysFile === undefined) return []
  return [
    await check('router keys', 'make them: npx landfall keys new --type ES256', async () => {
      const text = await readInput(routerKeysFile, 'router keys')
      const { signing } = await parseRouterKeys(text, audience)
      if (provisionUrl !== undefined) {
        const [current] = await publishedKids(new URL(landfallPaths.jwks, provisionUrl).href)
        if (current !== signing.kid) {
          throw new CommandFailure(
            `the edge signs with ${current}, and the file has ${signing.kid}`,
            {
              hint: 'start the edge anew, so that it reads its keys again',
            },
          )
        }
      }
      return `${signing.kid} signs receipts for ${audience}`
    }),
  ]
}

async function publishedKids(url: string): Promise<string[]> {
  const { body } = await request(url, { signal: AbortSignal.timeout(edgeMs) })
  const { keys } = jwkSet.parse(await body.json())
  return keys.map((it) => it.kid)
}
