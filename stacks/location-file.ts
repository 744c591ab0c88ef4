import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Where `npm run geo:build` leaves the compiled location table in the checkout. */
const builtFile = '.landfall/geo/location.bin'

/** The table's name in a Lambda's package, beside the code. */
export const locationFile = 'location.bin'

/** The table to be packed, as a path in the checkout; throws where it wasn't built. */
export function findLocationFile(root: string): string {
  if (existsSync(join(root, builtFile))) return builtFile
  throw new Error(
    `the location table ${builtFile} isn’t there, so no edge could tell where a device is: run npm run geo:build first`,
  )
}
