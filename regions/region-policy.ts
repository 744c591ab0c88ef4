import { z } from 'zod'
import { regionName } from './region-name.ts'

/**
 * Where a product's devices may land. `defaultRegion` takes those whose address has no known position;
 * `allowedRegions` (absent: all enabled ones) bounds every choice; `nearest` is by great circle.
 */
export const regionPolicySchema = z
  .strictObject({
    defaultRegion: regionName,
    allowedRegions: z.array(regionName).nonempty().optional(),
    strategy: z.literal('nearest').default('nearest'),
  })
  .refine((policy) => policy.allowedRegions?.includes(policy.defaultRegion) ?? true, {
    path: ['defaultRegion'],
    error: 'must be one of allowedRegions',
  })

export type RegionPolicy = z.infer<typeof regionPolicySchema>
