/**
 * Every route that the app serves to the world, and no other: what isn't here costs no invocation. Where
 * the contracts say what another method than the route's own is answered, the edge has to be asked: ANY.
 */
export const routes = [
  'ANY /device-provisioning',
  'ANY /v1/provision',
  'ANY /v1/nonce',
  'ANY /v1/jwks',
  'GET /openapi.json',
  'GET /docs',
  'GET /problems/{name}',
  'GET /healthz',
] as const
