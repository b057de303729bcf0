import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bestVersion, isGreater, mergeDelta, versionIn } from '../../../../src/consensus/crdt/merge.ts'
import type { MergeView } from '../../../../src/consensus/crdt/merge.ts'
import type { Version } from '../../../../src/consensus/crdt/value-record.ts'

const value = (text: string): Uint8Array => new TextEncoder().encode(text)
const version = (priority: number, text: string): Version => ({ priority, value: value(text) })
const shown = (one: Version | undefined): string | undefined =>
  one == null ? undefined : `${new TextDecoder().decode(one.value)}@${one.priority}`
const id = `/CIQ${'A'.repeat(52)}`
const other = `/CIQ${'B'.repeat(52)}`

const view = (known: Partial<MergeView> = {}): MergeView =>
  ({ isPinKey: key => key.startsWith('/k'), current: () => undefined, isTombstoned: () => false, survivor: () => undefined, ...known })

describe('merging a delta', () => {
  it('takes a value for a key without one', () => {
    const effects = mergeDelta({ elements: [{ key: '/k', value: value('a') }], tombstones: [], priority: 1 }, id, view())

    assert.deepEqual(effects.elements, ['/k'])
    assert.equal(shown(effects.values.get('/k')), 'a@1')
  })

  it('keeps a value of a higher block but records the version', () => {
    const effects = mergeDelta(
      { elements: [{ key: '/k', value: value('z') }], tombstones: [], priority: 1 }, id, view({ current: () => version(2, 'a') })
    )

    assert.deepEqual(effects.elements, ['/k'])
    assert.equal(effects.values.has('/k'), false)
  })

  it('takes the greater bytes at equal height, and only the greater', () => {
    const results = ['n', 'm', 'ma', 'a'].map(text =>
      shown(
        mergeDelta(
          { elements: [{ key: '/k', value: value(text) }], tombstones: [], priority: 2 }, id, view({ current: () => version(2, 'm') })
        ).values.get('/k')
      ))

    assert.deepEqual(results, ['n@2', undefined, 'ma@2', undefined])
  })

  it('compares bytes as Go does: neither the longer value nor the one of the greater signed byte wins', () => {
    const [short, long, high, low] = [value('b'), value('aaaa'), Uint8Array.of(0x80), Uint8Array.of(0x7f, 0xff)]
    const wins = (one: Uint8Array, over: Uint8Array): boolean => isGreater({ priority: 2, value: one }, { priority: 2, value: over })

    assert.deepEqual([wins(short, long), wins(long, short)], [true, false])
    assert.deepEqual([wins(high, low), wins(low, high)], [true, false])
    assert.deepEqual([wins(value('ab'), value('a')), wins(value('a'), value('ab')), wins(short, short)], [true, false, false])
    assert.equal(shown(bestVersion([version(2, 'aaaa'), version(2, 'b'), version(1, 'z')])), 'b@2')
  })

  it('lets the last element that passes win when a key comes twice', () => {
    const elements = ['x1', 'x9', 'x5'].map(text => ({ key: '/k', value: value(text) }))

    const effects = mergeDelta({ elements, tombstones: [], priority: 1 }, id, view())

    assert.deepEqual(effects.elements, ['/k'])
    assert.equal(shown(effects.values.get('/k')), 'x5@1')
  })

  it('leaves out elements that were tombstoned before they came', () => {
    const effects = mergeDelta(
      { elements: [{ key: '/k', value: value('a') }], tombstones: [], priority: 9 }, id, view({ isTombstoned: () => true })
    )

    assert.deepEqual([effects.elements, effects.values.size], [[], 0])
  })

  it('falls back to the survivor of a tombstone', () => {
    const effects = mergeDelta(
      { elements: [], tombstones: [{ key: '/k', id: other }], priority: 3 }, id, view({ survivor: () => version(1, 'old') })
    )

    assert.deepEqual(effects.tombstones, [{ key: '/k', id: other }])
    assert.equal(shown(effects.values.get('/k')), 'old@1')
  })

  it('removes the value when nothing survives', () => {
    const effects = mergeDelta(
      { elements: [], tombstones: [{ key: '/k', id: other }], priority: 3 }, id, view({ current: () => version(2, 'a') })
    )

    assert.equal(effects.values.has('/k'), true)
    assert.equal(effects.values.get('/k'), undefined)
  })

  it('evaluates a key again for a tombstone that no block can have, without keeping it', () => {
    const effects = mergeDelta(
      { elements: [], tombstones: [{ key: '/k', id: '/UNKNOWN' }], priority: 3 }, id, view({ survivor: () => version(1, 'x9') })
    )

    assert.deepEqual(effects.tombstones, [])
    assert.equal(shown(effects.values.get('/k')), 'x9@1')
  })

  it('compares elements with what the tombstones of the same delta left', () => {
    const delta = { elements: [{ key: '/k', value: value('new') }], tombstones: [{ key: '/k', id: other }], priority: 3 }

    const effects = mergeDelta(delta, id, view({ current: () => version(5, 'void'), survivor: () => version(2, 'old') }))

    assert.equal(shown(effects.values.get('/k')), 'new@3')
  })

  it('ignores keys that no pin can have', () => {
    const effects = mergeDelta(
      { elements: [{ key: '/x', value: value('a') }], tombstones: [{ key: '/y', id: other }], priority: 1 }, id, view()
    )

    assert.deepEqual(effects, { tombstones: [], elements: [], values: new Map() })
  })
})

describe('versions', () => {
  it('are ordered by height, then by bytes', () => {
    assert.equal(shown(bestVersion([version(1, 'z'), version(3, 'a'), version(3, 'b'), version(2, 'z')])), 'b@3')
    assert.equal(isGreater(version(0, ''), undefined), false)
  })

  it('that are empty are none, even the highest', () => {
    assert.equal(bestVersion([version(1, 'z'), version(3, '')]), undefined)
    assert.equal(bestVersion([]), undefined)
  })

  it('of one block are its greatest value', () => {
    const elements = [
      { key: '/k', value: value('x1') }, { key: '/l', value: value('z') }, { key: '/k', value: value('x9') },
      { key: '/k', value: value('x5') }
    ]

    assert.equal(shown(versionIn({ elements, tombstones: [], priority: 4 }, '/k')), 'x9@4')
  })
})
