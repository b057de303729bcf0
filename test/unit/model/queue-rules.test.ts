import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { queueOf } from '../../../src/model/queue-rules.ts'

const by = ['queue', 'tenant']

describe('the queue of a pin', () => {
  it('is named by the first key that its metadata has', () => {
    assert.equal(queueOf({ tenant: 'ann', queue: 'urgent' }, by), 'urgent')
    assert.equal(queueOf({ tenant: 'ann', queue: '' }, by), 'ann')
    assert.equal(queueOf({ tenant: 'ann' }, ['tenant']), 'ann')
  })

  it('is the default one without such a key, whatever else metadata has', () => {
    assert.equal(queueOf({}, by), 'default')
    assert.equal(queueOf({ other: 'x' }, by), 'default')
    assert.equal(queueOf({ tenant: 'ann' }, []), 'default')
    assert.equal(queueOf({}, ['constructor', '__proto__']), 'default')
  })

  it('has a name of bounded length', () => {
    assert.equal(queueOf({ queue: 'x'.repeat(5000) }, by).length, 128)
  })
})
