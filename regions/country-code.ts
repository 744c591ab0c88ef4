import { z } from 'zod'

/** Two-letter codes of CLDR that are no country: regions of its own, and unknown ones. */
const noCountries: ReadonlySet<string> = new Set(['EU', 'EZ', 'QO', 'UN', 'XA', 'XB', 'ZZ'])
const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' })

/**
 * A country as ISO 3166-1 alpha-2 writes it, checked against the runtime's own list (CLDR). A code
 * that no address will ever have ("UK") must not stand in a residency rule unnoticed.
 */
export const countryCode = z
  .string()
  .regex(/^[A-Z]{2}$/, 'must be a country’s two capital letters (ISO 3166-1), for example DE')
  .superRefine((code, check) => {
    if (!/^[A-Z]{2}$/.test(code)) return
    if (noCountries.has(code) || names.of(code) === undefined) {
      check.addIssue(`${code} is no country of ISO 3166-1`)
      return
    }
    const current = new Intl.Locale(`und-${code}`).region
    if (current !== code) check.addIssue(`${code} is written ${current} in ISO 3166-1`)
  })

export const continentCodes = ['AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA'] as const

export const continentCode = z.enum(continentCodes, {
  error: `must be a continent: ${continentCodes.join(', ')}`,
})
