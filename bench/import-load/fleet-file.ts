import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import type { DeviceDetails } from '../../app/provisioning/device-event.ts'

/** Rows as a fleet may have them: name, product, pin and attributes. */
export function benchName(index: number): string {
  return `lamp-${String(index).padStart(8, '0')}`
}

export function benchDetails(index: number): DeviceDetails {
  const site = createHash('md5')
    .update(String(index % 997))
    .digest('hex')
    .slice(0, 8)
  return { product: 'lamps', regionPin: 'eu-west-1', attributes: { plan: 'gold', site } }
}

export async function writeFleet(path: string, rows: number): Promise<void> {
  const file = createWriteStream(path)
  file.write('thing_name,product,region_pin,attributes\n')
  for (let index = 0; index < rows; index += 1) {
    const { product, regionPin, attributes } = benchDetails(index)
    const json = JSON.stringify(attributes).replaceAll('"', '""')
    const room = file.write(`${benchName(index)},${product},${regionPin},"${json}"\n`)
    if (!room) await once(file, 'drain')
  }
  file.end()
  await once(file, 'close')
}
