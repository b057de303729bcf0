import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BlockCache } from '../../../../src/blockstore/segments/block-cache.ts'
import { quietMs } from '../../../support/poll.ts'

const key = (at: number): Uint8Array => Uint8Array.of(0x12, 4, at >> 24, at >> 16, at >> 8, at)

describe('recent blocks', { timeout: quietMs(5000) }, () => {
  it('are kept until there are more bytes than may be, the oldest out first', () => {
    const recent = new BlockCache(3 * (1000 + 256))

    for (let at = 0; at < 5; at++) recent.add(key(at), new Uint8Array(1000).fill(at))

    assert.deepEqual([0, 1, 2, 3, 4].map(at => recent.get(key(at))?.[0]), [undefined, undefined, 2, 3, 4])
  })

  it('of no bytes take memory too', () => {
    const recent = new BlockCache(256 * 100)

    for (let at = 0; at < 10_000; at++) recent.add(key(at), new Uint8Array(0))

    assert.equal(Array.from({ length: 10_000 }, (_, at) => recent.get(key(at))).filter(bytes => bytes != null).length, 100)
  })
})
