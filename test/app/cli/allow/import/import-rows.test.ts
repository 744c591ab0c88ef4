import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { freshTally, importRows } from '../../../../../app/cli/allow/import/import-rows.ts'
import type { SourceRow } from '../../../../../app/cli/allow/import/source-row.ts'
import { productSchema } from '../../../../../app/products/product.ts'

const regionPolicy = { defaultRegion: 'eu-west-1' }
const product = productSchema.parse({ name: 'default', signers: [], regionPolicy })
const rules = { products: new Map([['default', product]]), enabledRegions: ['eu-west-1'] }
const minuteMs = 60_000

describe('the patience of an import', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
  afterEach(() => void vi.useRealTimers())

  async function importOne(beforeRow: () => void, write: (call: number) => void) {
    async function* rows(): AsyncGenerator<SourceRow> {
      beforeRow()
      yield { line: 2, values: { thing_name: 'lamp-1' } }
    }
    let calls = 0
    const tally = freshTally()
    const imported = await importRows({
      rows: rows(),
      rules,
      writer: {
        async write() {
          calls += 1
          write(calls)
          return 'added'
        },
      },
      rejects: { async add() {} },
      parallel: 1,
      fromLine: 1,
      signal: new AbortController().signal,
      tally,
    })
    return { imported, tally, calls }
  }
  const throttle = () => {
    throw Object.assign(new Error('slow down'), { name: 'ThrottlingException' })
  }

  it('begins with the first throttled answer, however long nothing was to do before', async () => {
    const { imported, tally } = await importOne(
      () => vi.advanceTimersByTime(10 * minuteMs),
      (call) => call === 1 && throttle(),
    )
    expect(imported).toEqual({ nextLine: undefined, failure: undefined })
    expect(tally).toMatchObject({ added: 1, throttled: 1 })
  })

  it('ends where the table has only throttled for two minutes', async () => {
    const { imported, calls } = await importOne(
      () => {},
      () => {
        vi.advanceTimersByTime(minuteMs / 2)
        throttle()
      },
    )
    expect(imported.nextLine).toBe(2)
    expect(String(imported.failure)).toContain('lamp-1 wasn’t imported')
    expect(calls).toBe(5)
  })
})
