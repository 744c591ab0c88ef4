/** AWS IoT's ThingName: 1 to 128 of letters, digits, colon, underscore and hyphen (API CreateThing). */
const thingName = /^[a-zA-Z0-9:_-]{1,128}$/

export function isThingName(text: string): boolean {
  return thingName.test(text)
}
