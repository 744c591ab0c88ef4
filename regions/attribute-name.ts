import * as z from 'zod'

/** The name of a device record's attribute: as AWS IoT's thing attributes, but beginning with a letter or digit. */
export const attributeName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.,@/:#=-]{0,127}$/,
    'must be 1 to 128 of A-Z a-z 0-9 _ . , @ / : # = -, and begin with a letter or digit',
  )
