import { describe, expect, it } from 'vitest'
import { AppError } from '../../../app/app-error.ts'
import { problemOf } from '../../../app/edge/problems.ts'
import { RegionError } from '../../../regions/region-error.ts'

describe('problemOf', () => {
  it.each([
    [new AppError('request-too-large', 'x'), 413, 'request too large'],
    [new AppError('invalid-request', 'x'), 400, 'invalid request'],
    [new AppError('incomplete-request', 'x'), 400, 'invalid request'],
    [new AppError('slow-request', 'x'), 503, 'try again later'],
    [new AppError('no-thing-name', 'x'), 400, 'no thing name'],
    [new AppError('invalid-thing-name', 'x'), 400, 'invalid thing-name'],
    [new AppError('no-sig', 'x'), 400, 'no sig'],
    [new AppError('invalid-sig', 'x'), 400, 'invalid thing-name-sig'],
    [new AppError('wrong-sig', 'x'), 401, 'wrong sig'],
    [new AppError('invalid-csr', 'invalid CSR: not PEM'), 400, 'invalid CSR: not PEM'],
    [new AppError('unknown', 'x'), 403, 'you not'],
    [new AppError('already-provisioned', 'x'), 403, 'you not'],
    [new AppError('stale', 'x'), 403, 'you not'],
    [new RegionError('not-ours', 'eu-west-1', 'CreateThing'), 403, 'you not'],
    [new AppError('in-progress', 'x'), 503, 'try again later'],
    [new AppError('allow-list-unavailable', 'x'), 503, 'try again later'],
    [new RegionError('throttled', 'eu-west-1', 'CreateThing'), 503, 'try again later'],
    [new Error('boom'), 500, 'internal error'],
    ['not even an error', 500, 'internal error'],
  ])('answers %s with %i', (error, status, message) => {
    const answer = problemOf(error)
    expect(answer.seed.status).toBe(status)
    expect(answer.seed.message).toBe(message)
    expect(answer.retryAfterSeconds !== undefined).toBe(status === 503 || status === 429)
  })

  it('passes on how long to wait, within bounds', () => {
    const wait = (retryAfterSeconds: number) =>
      problemOf(new AppError('in-progress', 'x', { retryAfterSeconds })).retryAfterSeconds
    expect(wait(17)).toBe(17)
    expect(wait(0)).toBe(1)
    expect(wait(86_400)).toBe(120)
  })

  it('keeps the finer reason for the log', () => {
    expect(problemOf(new AppError('unknown', 'x')).reason).toBe('unknown')
    expect(problemOf(new AppError('wrong-sig', 'x')).reason).toBe('wrong-sig')
    expect(problemOf(new RegionError('failing', 'eu-west-1', 'x')).reason).toBe('region-failing')
  })

  it('tells an unknown name and a wrong signature in the same words', () => {
    const told = (code: 'unknown' | 'wrong-sig') => {
      const { seed: _seed, reason: _reason, ...rest } = problemOf(new AppError(code, code))
      return rest
    }
    expect(told('unknown')).toEqual(told('wrong-sig'))
    expect(told('unknown').status).toBe(403)
  })

  it('tells a device nothing of a row that is no record but that an operator has to look', () => {
    const answer = problemOf(new AppError('conflict', 'row lamp-1 is no device record: rev: wrong'))
    expect(answer).toMatchObject({ type: 'conflict', status: 409, seed: { status: 403 } })
    expect(JSON.stringify(answer)).not.toContain('lamp-1')
  })
})
