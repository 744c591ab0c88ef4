/** A place on Earth, in degrees. */
export type Place = { readonly lat: number; readonly lon: number }

/** The Earth's mean radius in kilometres (IUGG). */
const earthRadiusKm = 6371.0088

/** Great-circle distance in kilometres, by the haversine formula on a sphere. */
export function distanceKm(from: Place, to: Place): number {
  const dLat = radians(to.lat - from.lat)
  const dLon = radians(to.lon - from.lon)
  const a =
    Math.sin(dLat / 2) ** 2 +
    Math.cos(radians(from.lat)) * Math.cos(radians(to.lat)) * Math.sin(dLon / 2) ** 2
  return 2 * earthRadiusKm * Math.asin(Math.min(1, Math.sqrt(a)))
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180
}
