/** Why no location table can be made of some data. */
export class GeoBuildError extends Error {
  /** Nothing can be fetched: not a fault of the data. */
  readonly offline: boolean

  constructor(message: string, options: { cause?: unknown; offline?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'GeoBuildError'
    this.offline = options.offline ?? false
  }
}
