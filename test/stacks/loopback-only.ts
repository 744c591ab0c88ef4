import { Socket } from 'node:net'

/**
 * Refuses every connection that isn't to this machine, in this process, before a name is looked up.
 * Returns the list that attempts are added to, as `host:port`.
 */
export function allowLoopbackOnly(): readonly string[] {
  const attempts: string[] = []
  const connect = Socket.prototype.connect
  Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
    const target = targetOf(args)
    if (target === undefined) return Reflect.apply(connect, this, args)
    attempts.push(target)
    queueMicrotask(() => this.destroy(new Error(`a connection to ${target} was refused`)))
    return this
  }
  return attempts
}

/** The host and port that are asked for, where they lie beyond this machine. */
function targetOf(args: unknown[]): string | undefined {
  // net.connect hands its normalized arguments over as one list.
  const [first, second] = Array.isArray(args[0]) ? args[0] : args
  const options: Record<string, unknown> =
    typeof first === 'object' && first !== null
      ? { ...first }
      : { port: first, host: typeof second === 'string' ? second : undefined }
  if (
    typeof options.path === 'string' ||
    (typeof options.port === 'string' && Number.isNaN(Number(options.port)))
  )
    return undefined
  const host = String(options.host ?? 'localhost')
  if (/^(localhost|127(\.\d{1,3}){3}|::1)$/.test(host)) return undefined
  return `${host}:${options.port}`
}
