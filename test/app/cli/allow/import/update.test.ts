import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { beforeAll, describe, expect, it } from 'vitest'
import { createTables } from '../../../../../app/allowlist/tables.ts'
import { putProduct } from '../../../../../app/products/control-table.ts'
import { productSchema } from '../../../../../app/products/product.ts'
import { rejectsOf, useImportStage } from './use-import-stage.ts'

const TableName = 'iot-global-provisioning'

const { on, fleet, importFile } = useImportStage(['eu-west-1', 'us-east-1'])
beforeAll(() => putProduct(on.stage.dynamoDb, 'iot-global-control', lamps))

/** Its devices never leave eu-west-1, but for those of plan us, which never leave us-east-1. */
const lamps = productSchema.parse({
  name: 'lamps',
  signers: [],
  regionPolicy: {
    defaultRegion: 'eu-west-1',
    allowedRegions: ['eu-west-1', 'us-east-1'],
    rules: [
      { name: 'us', match: { attributes: { plan: 'us' } }, regions: ['us-east-1'], strict: true },
      { name: 'eu', match: { attributes: { plan: 'eu' } }, regions: ['eu-west-1'], strict: true },
    ],
  },
})

async function importText(content: string, ...flags: string[]) {
  const path = await fleet(content)
  const run = await importFile(path, '--json', ...flags)
  const rejects = await readFile(rejectsOf(path), 'utf8').catch(() => '')
  return { code: run.code, tally: JSON.parse(run.stdout), rejects }
}

async function putRow(thingName: string, members: Record<string, unknown> = {}): Promise<void> {
  const Item = { thing_name: { S: thingName }, prov_status: { S: 'unprovisioned' }, ...members }
  await on.stage.dynamoDb.send(new PutItemCommand({ TableName, Item: Item as never }))
}

describe('landfall allow import --update', () => {
  const device = (plan: string, pin?: string) => ({
    product: { S: 'lamps' },
    attributes: { M: { plan: { S: plan } } },
    ...(pin === undefined ? {} : { region_pin: { S: pin } }),
  })

  it('holds a pin to the product and the attributes that its device has', async () => {
    await putRow('p-us', device('us'))
    await putRow('p-eu', device('eu'))
    const content = 'thing_name,region_pin\np-us,us-east-1\np-eu,us-east-1\n'
    const dry = await importText(content, '--update', '--dry-run')
    expect(dry).toMatchObject({ code: 3, tally: { rows: 2, amended: 1, rejected: 1 } })
    const run = await importText(content, '--update')
    expect(run).toMatchObject({ code: 3, tally: { rows: 2, amended: 1, rejected: 1, added: 0 } })
    expect(run.rejects.split('\n')[1]).toBe(
      '3,region_pin us-east-1 is not among the regions of rule eu of product lamps,p-eu,us-east-1',
    )
    expect(await on.stage.row('p-us')).toMatchObject({ regionPin: 'us-east-1' })
    expect(await on.stage.row('p-eu')).not.toHaveProperty('regionPin')
  })

  it('holds the pin that is there to a new product and to new attributes', async () => {
    await putRow('q-plan', device('us', 'us-east-1'))
    await putRow('q-product', { region_pin: { S: 'ap-south-1' } })
    const content = `thing_name,product,attributes
q-plan,,"{""plan"":""eu""}"
q-product,lamps,
`
    const run = await importText(content, '--update')
    expect(run).toMatchObject({ code: 3, tally: { amended: 0, rejected: 2 } })
    expect(run.rejects).toContain('is not among the regions of rule eu of product lamps')
    expect(run.rejects).toContain('is not among the allowed regions of product lamps')
    expect(await on.stage.row('q-plan')).toMatchObject({ attributes: { plan: 'us' } })
    expect(await on.stage.row('q-product')).not.toHaveProperty('product')
  })

  it('judges a device that is new by its row alone, and never adds a forbidden one', async () => {
    const content = `thing_name,product,region_pin,attributes
n-wrong,lamps,us-east-1,"{""plan"":""eu""}"
n-right,lamps,us-east-1,"{""plan"":""us""}"
`
    const tally = { rows: 2, added: 1, rejected: 1 }
    expect(await importText(content, '--update', '--dry-run')).toMatchObject({ code: 3, tally })
    expect(await importText(content, '--update')).toMatchObject({ code: 3, tally })
    expect(await on.stage.row('n-wrong')).toBeUndefined()
    expect(await on.stage.row('n-right')).toMatchObject({ regionPin: 'us-east-1' })
  })

  it('takes rows without a product where there is no product default, of devices that have one', async () => {
    const control = 'no-default'
    await createTables(on.stage.dynamoDb, { allowList: TableName, control })
    await putProduct(on.stage.dynamoDb, control, lamps)
    await putRow('m-there', device('us'))
    const content = 'thing_name,region_pin\nm-there,us-east-1\nm-new,us-east-1\n'
    const run = await importText(content, '--update', '--control-table', control)
    expect(run).toMatchObject({ code: 3, tally: { amended: 1, added: 0, rejected: 1 } })
    expect(run.rejects).toContain('3,"product is missing, and there is no product default",m-new,')
    expect(await on.stage.row('m-new')).toBeUndefined()
  })
})

describe('a row in the table that is no device record', () => {
  const content = 'thing_name,region_pin\nb-0,us-east-1\nb-wrong,us-east-1\nb-1,us-east-1\n'

  it.each([['--update'], ['--dry-run']])('is a reject of its own with %s', async (flag) => {
    await putRow('b-wrong', { superseded: { S: 'nothing' } })
    const rejects = join(on.folder, `wrong${flag}.csv`)
    const flags = ['--rejects', rejects, '--parallel', '1']
    const run = await importText(content, flag, '--update', ...flags)
    expect(run).toMatchObject({ code: 3, tally: { rows: 3, rejected: 1, nextLine: null } })
  })

  it('is one after a lost answer, too', async () => {
    await putRow('b-wrong', { superseded: { S: 'nothing' } })
    const put = { service: 'dynamodb', operation: 'PutItem' }
    await on.stage.fault({ ...put, kind: 'lost-before', times: 1 })
    const run = await importText('thing_name\nb-wrong\nb-2\n', '--parallel', '1')
    expect(run).toMatchObject({ code: 3, tally: { rows: 2, rejected: 1, added: 1 } })
    expect(run.rejects).toContain('row b-wrong is no device record: superseded')
  })
})
