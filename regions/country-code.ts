import * as z from 'zod'
import { countryCodes } from './continent.ts'

const known: ReadonlySet<string> = new Set(countryCodes)

/**
 * A country as ISO 3166-1 alpha-2 writes it, and as the location data give it. A code that no address
 * will ever have ("UK") must not stand in a residency rule unnoticed.
 */
export const countryCode = z
  .string()
  .regex(/^[A-Z]{2}$/, 'must be a country’s two capital letters (ISO 3166-1), for example DE')
  .superRefine((code, check) => {
    if (known.has(code) || !/^[A-Z]{2}$/.test(code)) return
    // CLDR knows what a withdrawn or colloquial code stands for now.
    const current = new Intl.Locale(`und-${code}`).region
    const isWritten = current !== code && current !== undefined && known.has(current)
    check.addIssue(
      isWritten
        ? `${code} is written ${current} in ISO 3166-1`
        : `${code} is no country of ISO 3166-1`,
    )
  })

export const continentCode = z.enum(['AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA'], {
  error: 'must be a continent: AF, AN, AS, EU, NA, OC, SA',
})
