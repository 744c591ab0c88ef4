import { pathToFileURL } from 'node:url'

/**
 * Stands where Lambda's own runtime stands: `lambda-process.ts MODULE EXPORT` loads a handler as init
 * does, and then hands it one event after another, as `{ event, secondsLeft }` over IPC.
 */
const [module = '', name = ''] = process.argv.slice(2)
const { [name]: handler } = await import(pathToFileURL(module).href)
process.send?.({ ready: true })

process.on('message', async ({ event, secondsLeft }: { event: unknown; secondsLeft: number }) => {
  const endsAt = Date.now() + secondsLeft * 1000
  const context = { getRemainingTimeInMillis: () => endsAt - Date.now() }
  try {
    process.send?.({ result: await handler(event, context) })
  } catch (error) {
    process.send?.({ error: error instanceof Error ? error.message : String(error) })
  }
})
