import * as z from 'zod'
import { catalogue } from './catalogue.ts'
import { findClosestName } from './closest-name.ts'

const names = catalogue.map((row) => row.region)

/** A Region of the catalogue, as documents name it. */
export const regionName = z
  .enum(names, {
    error: ({ input }) => {
      if (input === undefined) return 'is missing: name a Region, for example eu-west-1'
      const meant = typeof input === 'string' ? findClosestName(input, names) : undefined
      const remedy = meant === undefined ? '' : `; did you mean ${meant}?`
      return `${JSON.stringify(input)} is no Region with AWS IoT Core${remedy}`
    },
  })
  .meta({ id: 'Region', description: 'An AWS Region with AWS IoT Core' })
