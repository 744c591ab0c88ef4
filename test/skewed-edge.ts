/**
 * An edge whose clock is wrong, for tests: `node test/skewed-edge.ts SECONDS --config FILE` starts
 * app/edge/server.ts where every wall clock reading is so many seconds ahead (negative: behind).
 * The monotonic clock runs as always.
 */
const [skewSeconds = ''] = process.argv.splice(2, 1)
const skew = Number(skewSeconds) * 1000
if (skewSeconds === '' || Number.isNaN(skew)) throw new Error(`no seconds: ${skewSeconds}`)

const rightNow = Date.now
globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [rightNow() + skew] : args, newTarget),
})
Date.now = () => rightNow() + skew

await import('../app/edge/server.ts')
