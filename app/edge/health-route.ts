import type { Hono } from 'hono'
import type { EdgeDeps } from './app.ts'

/** `/healthz`: 200 only where this edge can do its work; DNS fails over on it. */
export function addHealthRoute(app: Hono, deps: EdgeDeps): void {
  app.get('/healthz', async (c) => {
    const readable = await deps.isHealthy()
    // Another edge may have the data, and a device that is badly placed stays so.
    const healthy = readable && deps.locating
    const productsFailingSince = deps.products.failingSince()
    return c.json(
      {
        status: healthy ? 'ok' : 'failing',
        region: deps.edgeRegion,
        allowList: readable ? 'ok' : 'unreadable',
        location: deps.locating ? 'ok' : 'missing',
        products:
          productsFailingSince === undefined
            ? 'ok'
            : `unreadable since ${new Date(productsFailingSince).toISOString()}`,
        // Told, not judged: DNS must not give this edge up for a region that it can do without.
        regions: deps.regionStatus.states(deps.products.copy()?.status),
      },
      healthy ? 200 : 503,
    )
  })
}
