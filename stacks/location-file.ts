/** The compiled location table, as `npm run geo:build` leaves it in the checkout; the package has it at the same path. */
export const locationFile = '.landfall/geo/locations.bin'
