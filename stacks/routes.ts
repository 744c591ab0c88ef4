/** Every route that the app serves to the world, and no other: what isn't here costs no invocation. */
export const routes = ['POST /device-provisioning', 'GET /healthz'] as const
