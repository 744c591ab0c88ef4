import { describe, expect, it } from 'vitest'
import {
  type EdgeBreaker,
  type OperatorStatus,
  parseBreaker,
  parseStatus,
  renderBreaker,
  renderStatus,
} from '../../../app/region-status/status-row.ts'

const since = Date.UTC(2026, 10, 22, 12)

describe('rows of the control table', () => {
  it.each<OperatorStatus>([
    { region: 'eu-west-1', status: 'active' },
    { region: 'eu-west-1', status: 'draining', since, by: 'arn:aws:iam::1:user/x', note: 'why' },
  ])('keep an operator’s word: %j', (status) => {
    expect(parseStatus(renderStatus(status))).toEqual(status)
  })

  it.each<EdgeBreaker['breaker']>([
    { state: 'closed', since },
    { state: 'closed', since, lastError: 'failing' },
    { state: 'open', since, until: since + 5000, lastError: 'unreachable' },
  ])('keep a breaker: %j', (breaker) => {
    const it: EdgeBreaker = { edge: 'eu-central-1', region: 'us-east-1', breaker }
    expect(parseBreaker(renderBreaker(it))).toEqual(it)
  })

  it('that a hand spoilt are none', () => {
    const status = renderStatus({ region: 'eu-west-1', status: 'draining' })
    expect(parseStatus({ ...status, status: { S: 'DRAINING' } })).toBeUndefined()
    expect(parseStatus({ ...status, since: { S: 'yesterday' } })).toBeUndefined()
    const open = { state: 'open', since, until: since, lastError: 'failing' } as const
    const row = renderBreaker({ edge: 'eu-west-1', region: 'us-east-1', breaker: open })
    expect(parseBreaker({ ...row, name: { S: 'us-east-1' } })).toBeUndefined()
    expect(parseBreaker({ ...row, last_error: { S: 'boredom' } })).toBeUndefined()
    const { until: _until, ...endless } = row
    expect(parseBreaker(endless)).toBeUndefined()
  })
})
