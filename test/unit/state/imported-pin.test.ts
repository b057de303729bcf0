import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../src/base/errors.ts'
import { pinText } from '../../../src/model/pin-json.ts'
import { checkRules, importedPin } from '../../../src/state/imported-pin.ts'
import type { ImportRules } from '../../../src/state/imported-pin.ts'

const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy'
const self = '12D3KooWQ9vdWqAvX9KTYB5ysCsgC1orrEqkosGFuNsKhPtj3wmi'
const other = '12D3KooWGW9v2VJpVerG4W8sVG4Ak3YhTAk7k3bdAfJazAGEGLKm'
const everywhere: ImportRules = { factors: { min: -1, max: -1 }, self }
const twoToThree: ImportRules = { factors: { min: 2, max: 3 }, self }

const imported = (json: object, rules = everywhere): any => JSON.parse(pinText(importedPin({ cid, ...json }, rules)))
const factors = (json: object, rules?: ImportRules): number[] => {
  const pin = imported(json, rules)
  return [pin.replication_factor_min, pin.replication_factor_max]
}

describe('a pin out of an export', () => {
  it('gets defaults for what is missing', () => {
    const pin = imported({})

    assert.deepEqual(pin, {
      replication_factor_min: -1, replication_factor_max: -1, name: '', mode: 'recursive', shard_size: 0, user_allocations: null,
      expire_at: '0001-01-01T00:00:00Z', metadata: null, pin_update: null, origins: [], cid, type: 'pin', allocations: [], max_depth: -1,
      reference: null, timestamp: '0001-01-01T00:00:00Z'
    })
  })

  it('never keeps the type that stands for none', () => {
    const types = ['bad-type', null, 'pin', 'shard-pin'].map(type => imported({ type }).type)

    assert.deepEqual(types, ['pin', 'pin', 'pin', 'shard-pin'])
  })

  it('takes its depth before its mode', () => {
    const depths = [
      { mode: 'direct' }, { mode: 'recursive' }, { mode: 'direct', max_depth: -1 }, { max_depth: 0 }, { type: 'shard-pin' },
      { type: 'meta-pin' }
    ]
      .map(json => imported(json).max_depth)

    assert.deepEqual(depths, [0, -1, -1, 0, 1, 0])
  })

  it('gets the configured factors, or as near to them as the given one allows', () => {
    assert.deepEqual(factors({}, twoToThree), [2, 3])
    assert.deepEqual(factors({ replication_factor_min: 0, replication_factor_max: 0 }, twoToThree), [2, 3])
    assert.deepEqual(factors({ replication_factor_min: 5 }, twoToThree), [5, 5])
    assert.deepEqual(factors({ replication_factor_max: 1 }, twoToThree), [1, 1])
    assert.deepEqual(factors({ replication_factor_max: 4 }), [4, 4])
    assert.deepEqual(factors({ replication_factor_min: -1 }, twoToThree), [-1, -1])
  })

  it('takes factors and allocations of the command line', () => {
    const pin = imported(
      { replication_factor_min: 1, replication_factor_max: 1, allocations: [self] }, { ...everywhere, max: 2, allocations: [other] }
    )
    const toEverywhere = imported({ replication_factor_min: 1, replication_factor_max: 1, allocations: [self] }, { ...everywhere, min: -1 })
    const dag = imported({ type: 'clusterdag-pin' }, { ...twoToThree, min: 2, allocations: [other] })

    assert.deepEqual([pin.replication_factor_min, pin.replication_factor_max, pin.allocations], [1, 2, [other]])
    assert.deepEqual([toEverywhere.replication_factor_min, toEverywhere.allocations], [-1, []])
    assert.deepEqual([dag.replication_factor_min, dag.allocations], [-1, []])
  })

  it('is held by this peer when it needs peers and names none', () => {
    const allocations = [
      imported({}, twoToThree), imported({ allocations: [other] }, twoToThree), imported({ type: 'meta-pin' }, twoToThree)
    ].map(pin => pin.allocations)

    assert.deepEqual(allocations, [[self], [other], []])
  })

  it('is refused with the key that is wrong', () => {
    const wrong: Array<[unknown, string]> = [
      [{}, 'cid'], [{ cid: 'x' }, 'cid'], [{ cid: 1 }, 'cid'], [[], 'a pin'], [{ cid, type: 'pins' }, 'type'],
      [{ cid, type: 'toString' }, 'type'], [{ cid, mode: 'x' }, 'mode'],
      [{ cid, max_depth: 1.5 }, 'max_depth'], [{ cid, max_depth: -2 }, 'max_depth'], [{ cid, name: 1 }, 'name'],
      [{ cid, timestamp: 'now' }, 'timestamp'],
      [{ cid, expire_at: '0000-01-01T00:00:00Z' }, 'expire_at'], [{ cid, metadata: { a: 1 } }, 'metadata'],
      [{ cid, metadata: [] }, 'metadata'],
      [{ cid, allocations: ['me'] }, 'allocations'], [{ cid, origins: ['here'] }, 'origins'], [{ cid, origins: {} }, 'origins'],
      [{ cid, reference: 'x' }, 'reference'],
      [{ cid, replication_factor_min: 3, replication_factor_max: 2 }, 'replication_factor_min'],
      [{ cid, replication_factor_min: -1, replication_factor_max: 2 }, 'replication_factor_min'],
      [{ cid, replication_factor_max: -2 }, 'replication_factor_max'], [{ cid, shard_size: '1' }, 'shard_size']
    ]

    for (const [json, key] of wrong) {
      assert.throws(
        () => importedPin(json, everywhere), err => isClusterError(err, 'INVALID_ARGUMENT') && err.message.startsWith(key),
        `${JSON.stringify(json)}`
      )
    }
  })

  it('is never asked for with factors that are no pair', () => {
    for (const rules of [{ min: 3, max: 2 }, { min: -1, max: 2 }, { min: NaN }, { max: -2 }, { min: 1.5 }]) {
      assert.throws(() => checkRules({ ...everywhere, ...rules }), err => isClusterError(err, 'INVALID_ARGUMENT'))
    }
  })
})
