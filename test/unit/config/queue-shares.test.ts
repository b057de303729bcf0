import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { refused } from '../../../src/config/kinds.ts'
import { queueShares } from '../../../src/config/queue-shares.ts'

describe('queues of pins in the configuration', () => {
  it('have the usual share but for what is said', () => {
    const limits = { max_pins_per_second: 0.5, max_bytes_per_second: '10MB', max_at_once: 2 }
    const parsed = queueShares.parse({ urgent: { weight: 10 }, '*': limits })

    assert.deepEqual(parsed, new Map([
      ['urgent', { weight: 10, maxPinsPerSecond: 0, maxBytesPerSecond: 0, maxAtOnce: 0 }],
      ['*', { weight: 1, maxPinsPerSecond: 0.5, maxBytesPerSecond: 10_000_000, maxAtOnce: 2 }]
    ]))
  })

  it('are refused when a value or a key is not what it may be', () => {
    const wrong = [
      [], 'x', { a: 5 }, { a: null }, { a: { weight: 0 } }, { a: { weight: '5' } }, { a: { weight: 1e6 } },
      { a: { max_pins_per_second: -1 } }, { a: { max_at_once: 1.5 } }, { a: { max_bytes_per_second: 'much' } }, { a: { wieght: 1 } }
    ]

    assert.deepEqual(wrong.filter(value => queueShares.parse(value) !== refused), [])
  })

  it('are JSON in a variable', () => {
    assert.deepEqual(queueShares.fromText('{"a":{"weight":2}}'), { a: { weight: 2 } })
    assert.equal(queueShares.fromText('a:2'), refused)
  })
})
