declare module 'dynalite' {
  import type { Server } from 'node:http'

  /** DynamoDB's wire over LevelDB at `path`, or in memory. Closing the server closes the database. */
  export default function dynalite(options: {
    path?: string
    createTableMs?: number
    deleteTableMs?: number
    updateTableMs?: number
  }): Server
}

declare module 'dynalite/validations/*.js' {
  /** The members of an operation's request that dynalite knows; it ignores all others. */
  export const types: Readonly<Record<string, unknown>>
}
