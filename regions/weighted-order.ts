import { hash } from 'node:crypto'

export type WeightedRegion = { readonly region: string; readonly weight: number }

/**
 * Orders regions for one thing by weighted rendezvous hashing (Wang, Ravishankar 1998; with the weights
 * of Schindelhauer, Schomaker 2005): each region's score is -weight / ln(u), where u in (0, 1) is drawn
 * from thing and region alone, and the highest score comes first. So a region that goes takes nothing
 * along but its own devices, one that comes takes only what is its share, and the order of the list
 * counts for nothing. Regions without weight are left out.
 *
 * u: the first six bytes n of SHA-256(region, NUL, thing name), as (n + 0.5) / 2^48. To change this
 * is to move devices.
 */
export function orderByWeight(
  thingName: string,
  regions: readonly WeightedRegion[],
): WeightedRegion[] {
  return regions
    .filter(({ weight }) => weight > 0)
    .map((it) => ({ it, score: -it.weight / Math.log(draw(thingName, it.region)) }))
    .sort((a, b) => b.score - a.score || (a.it.region < b.it.region ? -1 : 1))
    .map(({ it }) => it)
}

function draw(thingName: string, region: string): number {
  const digest = hash('sha256', `${region}\0${thingName}`, 'buffer')
  return (digest.readUIntBE(0, 6) + 0.5) / 2 ** 48
}
