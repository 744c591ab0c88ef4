import { expect, it } from 'vitest'
import { catalogue, findRegion } from '../../regions/catalogue.ts'
import { findContinent } from '../../regions/continent.ts'

it('holds the 23 commercial Regions with AWS IoT Core, each once and on the globe', () => {
  expect(new Set(catalogue.map((row) => row.region)).size).toBe(23)
  expect(catalogue).toHaveLength(23)
  for (const row of catalogue) {
    expect(Math.abs(row.lat)).toBeLessThan(90)
    expect(Math.abs(row.lon)).toBeLessThan(180)
    expect(row.city).not.toBe('')
    expect(findContinent(row.country), row.region).toBeDefined()
  }
})

it('knows no Region without AWS IoT Core', () => {
  expect(findRegion('af-south-1')).toBe(undefined)
  expect(findRegion('eu-west-1')?.city).toBe('Dublin')
})
