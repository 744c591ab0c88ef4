import { z } from 'zod'
import { findRegion } from './catalogue.ts'

/** A Region of the catalogue, as documents name it. */
export const regionName = z
  .string()
  .refine((name) => findRegion(name) !== undefined, 'is no Region with AWS IoT Core')
