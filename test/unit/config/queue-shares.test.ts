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

  it('have names that pins can have', () => {
    const longest = 'é'.repeat(128)

    assert.ok(queueShares.parse({ [longest]: { weight: 2 }, '*': {}, 'a b': {} }) !== refused)
    for (const name of ['', `${longest}e`, 'x'.repeat(200)]) assert.equal(queueShares.parse({ [name]: {} }), refused, name)
  })

  it('say which queue and which of its keys is wrong', () => {
    const parts = [
      { a: {}, b: { weight: 2, max_at_once: 1.5 } }, { a: { weight: 0 } }, { a: { max_bytes_per_second: 1.5 } }, { a: { constructor: 1 } },
      { a: 5 }, { '': {} }, { a: { weight: 2 } }, []
    ].map(raw => queueShares.wrongPart?.(raw)?.keys)

    assert.deepEqual(
      parts, [['b', 'max_at_once'], ['a', 'weight'], ['a', 'max_bytes_per_second'], ['a', 'constructor'], ['a'], [''], undefined, undefined]
    )
  })

  it('are JSON in a variable', () => {
    assert.deepEqual(queueShares.fromText('{"a":{"weight":2}}'), { a: { weight: 2 } })
    assert.equal(queueShares.fromText('a:2'), refused)
  })
})
