import type { Hono } from 'hono'
import type { Iot } from './iot/iot.ts'

/**
 * What the watch saw and what stands in AWS IoT, on the control API:
 * `GET /violations` → `{ violations }` (watch.ts), `DELETE /violations` forgets them;
 * `GET /identities` → `{ things, unattached, activeUnattached }` (iot/identities.ts).
 */
export function addWatchRoutes(control: Hono, iot: Pick<Iot, 'watch' | 'identities'>): Hono {
  control.get('/violations', (c) => c.json({ violations: iot.watch.violations() }))
  control.delete('/violations', (c) => {
    iot.watch.clear()
    return c.body(null, 204)
  })
  control.get('/identities', (c) => c.json(iot.identities()))
  return control
}
