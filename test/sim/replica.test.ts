import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { cidFor, pinFor } from '../support/pins.ts'
import { Replica } from './replica.ts'

const item = cidFor('item')
const named = (name: string) => ({ ...pinFor(name), cid: item })

describe('a peer’s copy of the pinset in a light world', () => {
  it('agrees with the others, whatever comes first: the later change wins, of two at once the same one', () => {
    const [a, b, c] = [new Replica('a', [named('old')]), new Replica('b', [named('old')]), new Replica('c', [named('old')])]
    a.write(item, named('of a'))
    b.write(item, named('of b'))

    assert.deepEqual(c.merge(b, 10).map(({ pin }) => pin?.name), ['of b'])
    assert.deepEqual(c.merge(a, 10), [])
    assert.deepEqual(a.merge(b, 10).map(({ pin }) => pin?.name), ['of b'])
    a.write(item, named('later'))
    b.merge(a, 10)

    assert.deepEqual([a, b].map(one => one.get(item)?.name), ['later', 'later'])
    assert.equal(c.lacks(a), true)
    assert.equal(b.lacks(a), false)
  })

  it('merges as much as is asked, and counts its pins', () => {
    const [a, b] = [new Replica('a', []), new Replica('b', [])]
    for (let at = 0; at < 5; at++) a.write(cidFor(`${at}`), pinFor(`${at}`))

    assert.equal(b.merge(a, 2).length, 2)
    assert.equal(b.size, 2)
    b.merge(a, 10)
    a.write(cidFor('0'), undefined)
    b.merge(a, 10)

    assert.deepEqual([b.size, [...b.pins()].flat().map(({ name }) => name)], [4, ['1', '2', '3', '4']])
  })

  it('forgets with the power what it has merged and not synced, and can merge it again', () => {
    const [a, b] = [new Replica('a', [named('old')]), new Replica('b', [named('old')])]
    a.write(item, named('first'))
    a.write(item, named('second'))
    b.merge(a, 10)

    b.crash(1)
    assert.equal(b.get(item)?.name, 'first')
    assert.deepEqual(b.merge(a, 10).map(({ pin }) => pin?.name), ['second'])
    b.sync()
    b.crash(0)
    assert.equal(b.get(item)?.name, 'second')
  })
})
