import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseCid } from '../../../../src/model/cid.ts'
import { defaultPinOptions, pinWithOptions, type Pin } from '../../../../src/model/pin.ts'
import { FakeCluster } from '../../../support/fake-cluster.ts'
import { jsonLinesOf, jsonOf, proxyPeer, uploadOf } from '../../../support/proxy-peer.ts'
import { rawBlock } from '../../../support/unixfs-blocks.ts'

const cid = 'bafkreicx3mxcmx3eg5ct3tsv54ijv5rgz5vxg2g56q66qvnjrdhnogif5a'

class LargeCluster extends FakeCluster {
  override async * allocations (): AsyncGenerator<Pin[]> {
    const template = (await rawBlock('x')).cid
    for (let batch = 0; batch < 25; batch++) {
      yield Array.from({ length: 1000 }, (_, at) => ({
        ...pinWithOptions(template, defaultPinOptions()), cid: { toString: () => `c${batch}-${at}` } as unknown as Pin['cid']
      }))
    }
  }
}

describe('pins through the proxy', () => {
  for (const query of ['type=direct', 'recursive=false']) {
    it(`pins directly with ${query}, under the name that is given`, async () => {
      const peer = proxyPeer()

      await peer.ask(`pin/add?arg=/ipfs/${cid}&${query}&name=mine`)

      const pin = peer.cluster.pins.get(cid)
      assert.equal(pin?.maxDepth, 0)
      assert.equal(pin?.name, 'mine')
    })
  }

  it('pins and unpins all that is named, or nothing', async () => {
    const peer = proxyPeer()
    const both = `arg=${cid}&arg=${(await rawBlock('other')).cid}`

    const wrong = await peer.ask(`pin/add?${both}&arg=zz`)
    const before = peer.cluster.pins.size
    const added = await peer.ask(`pin/add?${both}`)
    const pinned = peer.cluster.pins.size
    const removed = await peer.ask(`pin/rm?${both}`)

    assert.deepEqual([wrong.status, before, pinned, peer.cluster.pins.size], [500, 0, 2, 0])
    assert.deepEqual([jsonOf(added).Pins.length, jsonOf(removed)], [2, jsonOf(added)])
  })

  it('lists direct pins as such in a stream', async () => {
    const peer = proxyPeer()
    await peer.ask(`pin/add?arg=${cid}&type=direct`)

    const reply = await peer.ask('pin/ls?stream=true')

    assert.deepEqual(jsonLinesOf(reply), [{ Cid: cid, Type: 'direct' }])
  })

  it('lists nothing of an empty pinset', async () => {
    const peer = proxyPeer()

    const [object, stream] = [await peer.ask('pin/ls'), await peer.ask('pin/ls?stream=true')]

    assert.deepEqual(jsonOf(object), { Keys: {} })
    assert.equal(stream.status, 200)
    assert.equal(stream.body.length, 0)
  })

  it('lists a large pinset as one object, piece by piece', async () => {
    const peer = proxyPeer({ cluster: new LargeCluster() })

    const reply = await peer.ask('pin/ls')

    assert.equal(Object.keys(jsonOf(reply).Keys).length, 25_000)
    assert.ok(reply.chunkLengths.length > 1)
  })

  it('moves a pin, and leaves the old one when asked to', async () => {
    const peer = proxyPeer()
    const [from, to] = [cid, (await rawBlock('to')).cid.toString()]
    peer.cluster.hold(pinWithOptions(parseCid(from), defaultPinOptions()))

    await peer.ask(`pin/update?arg=${from}&arg=${to}&unpin=false`)
    const both = [...peer.cluster.pins.keys()]
    await peer.ask(`pin/update?arg=${from}&arg=${to}`)

    assert.deepEqual(both.toSorted(), [from, to].toSorted())
    assert.deepEqual([...peer.cluster.pins.keys()], [to])
  })

  it('does not unpin what a pin is moved to itself', async () => {
    const peer = proxyPeer()
    peer.cluster.hold(pinWithOptions(parseCid(cid), defaultPinOptions()))

    await peer.ask(`pin/update?arg=${cid}&arg=${cid}`)

    assert.deepEqual([...peer.cluster.pins.keys()], [cid])
  })

  it('adds nothing with options of Kubo that it has not', async () => {
    const peer = proxyPeer()
    const options = ['only-hash=true', 'inline=true', 'max-file-links=10', 'max-directory-links=10', 'max-hamt-fanout=16', 'to-files=/x']

    const replies = await Promise.all(options.map(async option => peer.ask(`add?${option}`, uploadOf('x'))))
    const without = await peer.ask('add?inline=false&to-files=&inline-limit=32', uploadOf('x'))

    assert.deepEqual(
      replies.map(reply => jsonOf(reply).Message), options.map(option => `${option.split('=')[0]} is not supported when adding to cluster`)
    )
    assert.deepEqual([without.status, peer.cluster.pins.size], [200, 1])
  })

  it('makes CIDs of version 1 for other hashes, as Kubo does', async () => {
    const peer = proxyPeer()

    const reply = await peer.ask('add?hash=blake2b-256', uploadOf('x'))

    assert.match(jsonLinesOf(reply).at(-1)?.Hash, /^baf/)
  })

  it('adds without a pin when asked to, and never only hashes', async () => {
    const peer = proxyPeer()

    const [added, refused] = [await peer.ask('add?pin=false', uploadOf('x')), await peer.ask('add?only-hash=true', uploadOf('x'))]

    assert.equal(added.status, 200)
    assert.equal(refused.status, 500)
    assert.equal(peer.cluster.pins.size, 0)
  })

  it('tells errors of a collection in lines, or in the trailer', async () => {
    const peer = proxyPeer()

    const [inLines, inTrailer] = [await peer.ask('repo/gc?stream-errors=true'), await peer.ask('repo/gc')]

    assert.equal(jsonLinesOf(inLines)[1].Error, 'could not remove')
    assert.deepEqual(jsonLinesOf(inTrailer).length, 1)
    assert.match(inTrailer.trailers[0]?.[1] ?? '', /could not remove/)
  })
})
