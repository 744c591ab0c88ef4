import { parseRouterKeys, RouterKeyError } from '../request/router-keys.ts'
import { ConfigError, type EdgeConfig } from './config.ts'
import type { LandfallDeployment } from './provision-landfall-device.ts'

/**
 * What the Landfall contract needs, or undefined where the configuration names no audience: then the
 * edge speaks the seed contract only. `routerKeys` is a private JWK Set as JSON, and `source` says where
 * it came from. Throws ConfigError.
 */
export async function openLandfall(
  { audience, freshness }: EdgeConfig,
  routerKeys: string | undefined,
  source: string,
): Promise<LandfallDeployment | undefined> {
  if (audience === undefined) return undefined
  if (routerKeys === undefined) {
    throw new ConfigError([
      `${source}: is missing, and the Landfall contract (audience) needs the router’s keys: make them with \`npx landfall keys new --type ES256 --out FILE\``,
    ])
  }
  try {
    return { audience, freshness, keys: await parseRouterKeys(routerKeys, audience) }
  } catch (error) {
    if (error instanceof RouterKeyError) throw new ConfigError([`${source}: ${error.message}`])
    throw error
  }
}
