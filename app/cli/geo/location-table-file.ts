/** Where the compiled table is kept, under the working folder; `landfall geo build` makes it. */
export const locationTableFile = '.landfall/geo/location.bin'
