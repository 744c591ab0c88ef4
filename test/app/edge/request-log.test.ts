import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../../app/app-error.ts'
import { describeError, logRequest, type RequestOutcome } from '../../../app/edge/request-log.ts'

/** What JSON.parse throws at text that isn't JSON: it quotes it. */
function quotingError(secret: string): unknown {
  try {
    return JSON.parse(secret)
  } catch (error) {
    return error
  }
}

describe('describeError', () => {
  it('goes down the causes, four at most', () => {
    const root = new Error('root')
    const errors = ['a', 'b', 'c', 'd'].reduce((cause, it) => new Error(it, { cause }), root)
    expect(describeError(errors)).toBe('Error: d <- Error: c <- Error: b <- Error: a')
    expect(describeError('text')).toBe('unknown failure')
    expect(describeError(undefined)).toBe('unknown failure')
  })

  it('does not quote what a parser could not read', () => {
    const error = quotingError('MIIEowSecret')
    expect(String(error)).toContain('MIIEowSecret')
    const wrapped = new AppError('allow-list-unavailable', 'read failed', { cause: error })
    expect(describeError(wrapped)).toBe('AppError: read failed <- SyntaxError')
  })
})

describe('logRequest', () => {
  const outcome: RequestOutcome = {
    contract: 'landfall',
    requestId: 'r',
    address: '192.0.2.1',
    outcome: 'failed',
    status: 500,
    reason: 'internal',
    incidents: [],
    milliseconds: 1,
    waves: {},
  }

  it('says where a fault was thrown, not what its message quotes', () => {
    const lines: string[] = []
    const log = pino({}, { write: (line: string) => void lines.push(line) })
    const place = { edgeRegion: 'eu-west-1', metricsNamespace: 'Landfall' }
    logRequest(log, place, { ...outcome, error: quotingError('MIIEowSecret') })
    expect(lines).toHaveLength(1)
    expect(lines[0]).not.toContain('MIIEow')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      error: 'SyntaxError',
      stack: expect.stringMatching(/^\s+at .*request-log\.test\.ts/m),
    })
  })
})
