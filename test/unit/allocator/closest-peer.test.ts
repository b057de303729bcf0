import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { closestAmong } from '../../../src/allocator/closest-peer.ts'
import { isClusterError } from '../../../src/base/errors.ts'
import { parseCid } from '../../../src/model/cid.ts'

const vectors = JSON.parse(
  readFileSync(new URL('../../vectors/state/closest-peer.json', import.meta.url), 'utf8')
) as Array<{ cid: string, peers: string[], closest: string }>

describe('closest peer', () => {
  it('finds the peer that Go finds, for every recorded CID', () => {
    const found = vectors.map(({ cid, peers }) => closestAmong(peers)(parseCid(cid)))

    assert.ok(vectors.length > 0)
    assert.deepEqual(found, vectors.map(({ closest }) => closest))
  })

  it('does not depend on the order of the peers', () => {
    const found = vectors.map(({ cid, peers }) => closestAmong(peers.toReversed())(parseCid(cid)))

    assert.deepEqual(found, vectors.map(({ closest }) => closest))
  })

  it('knows none among nobody', () => {
    const closest = closestAmong([])

    assert.equal(closest(parseCid(vectors[0]?.cid ?? '')), undefined)
  })

  it('refuses what is no peer ID', () => {
    assert.throws(() => closestAmong(['0OIl']), err => isClusterError(err, 'INVALID_ARGUMENT'))
  })
})
