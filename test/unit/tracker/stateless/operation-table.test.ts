import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CID, parseCid } from '../../../../src/model/cid.ts'
import { cidOfKey, keyOf, OperationTable } from '../../../../src/tracker/stateless/operation-table.ts'
import { cidNumber } from '../../../support/tracked-node.ts'

const now = 1_900_000_000_000
const key = (n: number): string => keyOf(cidNumber(n))
const anything = (): boolean => true

describe('operation table', () => {
  it('keeps version 0 and version 1 of a CID apart and gives them back as they were', () => {
    const texts = [
      'QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR', 'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi', 'bafkqaaa'
    ]

    const again = texts.map(text => cidOfKey(keyOf(parseCid(text))))

    assert.deepEqual(again.map(String), texts)
    assert.ok(again.every(cid => CID.asCID(cid) === cid))
  })

  it('gives out operations in the order in which they came, even after one left from the middle', () => {
    const table = new OperationTable({ by: [], shares: new Map() }, { elapsed: () => now })
    for (let n = 0; n < 5; n++) table.apply(key(n), 'pin', { now })

    table.apply(key(2), 'unpin', { now })
    table.apply(key(0), 'drop', { now })
    table.apply(key(4), 'drop', { now })

    assert.deepEqual(table.inStates(['pin_queued']).map(operation => operation.key), [key(1), key(3)])
    assert.equal(table.queues.next(anything)?.key, key(1))
    assert.equal(table.queues.next(operation => operation.key !== key(1))?.key, key(3))
    assert.equal(table.first('unpin_queued', anything)?.key, key(2))
    assert.deepEqual([table.count('pin_queued'), table.count('unpin_queued')], [2, 1])
  })

  it('has a queue of its own for priority pins', () => {
    const table = new OperationTable({ by: [], shares: new Map() }, { elapsed: () => now })

    table.apply(key(1), 'pin', { now, priority: false })
    table.apply(key(2), 'pin', { now, priority: true })

    assert.deepEqual([table.count('priority_pin_queued'), table.count('pin_queued')], [1, 1])
    assert.equal(table.queues.next(anything)?.key, key(2))
    assert.deepEqual(table.inStates(['pin_queued']).map(operation => operation.key), [key(2), key(1)])
  })

  it('forgets what is done', () => {
    const table = new OperationTable({ by: [], shares: new Map() }, { elapsed: () => now })
    table.apply(key(1), 'pin', { now, priority: true })
    table.apply(key(1), 'start', { now })

    table.apply(key(1), 'done', { now })

    assert.equal(table.get(key(1)), undefined)
    assert.equal(table.count('pinning'), 0)
  })

  it('clears the error and keeps the priority as an operation goes on', () => {
    const table = new OperationTable({ by: [], shares: new Map() }, { elapsed: () => now })
    table.apply(key(1), 'pin', { now, priority: true })
    table.apply(key(1), 'start', { now })
    table.apply(key(1), 'fail', { now: now + 5, error: 'no' })
    const failed = { ...table.get(key(1)) }

    table.apply(key(1), 'pin', { now: now + 9, priority: true })

    assert.deepEqual([failed.state, failed.error, failed.priority, failed.attempts, failed.since], ['pin_error', 'no', true, 1, now + 5])
    assert.deepEqual([table.get(key(1))?.error, table.get(key(1))?.attempts, table.get(key(1))?.since], ['', 1, now + 9])
  })

  it('does not put back a failed unpin over something newer', () => {
    const table = new OperationTable({ by: [], shares: new Map() }, { elapsed: () => now })
    table.apply(key(1), 'pin', { now })

    table.restore(key(1), { state: 'unpin_error', attempts: 3, since: now, error: 'no' })
    table.restore(key(2), { state: 'unpin_error', attempts: 3, since: now, error: 'no' })

    assert.equal(table.get(key(1))?.state, 'pin_queued')
    assert.equal(table.get(key(2))?.attempts, 3)
  })
})
