import { compactRouterKeys, RouterKeyError } from '../app/request/router-keys.ts'
import { PlanError } from './plan.ts'

/** What `npx sst secret set` calls the router's private keys: one value for all edges of a stage. */
const secretName = 'RouterKeys'

/** SST's CLI hands a stage's secrets to the program by this variable; `sst.Secret` reads it too. */
const variable = `SST_SECRET_${secretName}`

/**
 * Refuses a stage whose secret isn't set, or is no set of keys that an edge would take: an edge that
 * can't read its keys answers nobody. Looked at before anything is made; the message never quotes it.
 */
export function refuseOtherKeys(
  stage: string,
  environment: Readonly<Record<string, string | undefined>>,
): void {
  const text = environment[variable]
  const set = `npx sst secret set ${secretName} --stage ${stage} <router.keys.json`
  if (text === undefined) {
    throw new PlanError(stage, [
      `${secretName}: is not set, and edges sign with it: npx landfall keys new --type ES256 --out router.keys.json, then ${set}`,
    ])
  }
  try {
    compactRouterKeys(text)
  } catch (error) {
    if (!(error instanceof RouterKeyError)) throw error
    throw new PlanError(stage, [`${secretName}: ${error.message}, then ${set}`])
  }
}

/** The keys as edges get them: a secret of Pulumi's, so encrypted wherever SST keeps it. */
export function routerKeys(): $util.Output<string> {
  return new sst.Secret(secretName).value.apply(compactRouterKeys)
}
