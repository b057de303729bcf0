import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Block } from '../../../src/blockstore/blockstore.ts'
import { systemClock } from '../../../src/base/system.ts'
import { refuseDeniedCid } from '../../../src/ipfs/denylist.ts'
import type { PinOptions } from '../../../src/model/pin.ts'
import type { Pin } from '../../../src/model/pin.ts'
import type { CID } from '../../../src/model/cid.ts'
import { refusingIpfs } from '../../../src/node/refusing-ipfs.ts'
import { rawBlock } from '../../support/unixfs-blocks.ts'
import { denyLists } from '../../support/deny-lists.ts'
import type { DenyLists } from '../../support/deny-lists.ts'
import { FakeCluster } from '../../support/fake-cluster.ts'
import { FakeIpfs } from '../../support/fake-ipfs.ts'
import { FollowedCluster, pinningPeer } from '../../support/pinning-peer.ts'
import { quietMs } from '../../support/poll.ts'
import { jsonOf, proxyPeer, uploadOf } from '../../support/proxy-peer.ts'
import { restPeerOf, textOf } from '../../support/rest-peer.ts'

let lists: DenyLists
let bad: Block
let legal: Block

class Refusing extends FakeCluster {
  override async pin (cid: CID, options: PinOptions): Promise<Pin> {
    refuseDeniedCid(lists.denylist, cid)
    return super.pin(cid, options)
  }
}

class RefusingFollowed extends FollowedCluster {
  override async pin (cid: CID, options: PinOptions): Promise<Pin> {
    refuseDeniedCid(lists.denylist, cid)
    return super.pin(cid, options)
  }
}

describe('a request to pin denied content', { timeout: quietMs(20_000) }, () => {
  before(async () => {
    bad = await rawBlock('bad')
    legal = await rawBlock('somebody else owns this')
    lists = await denyLists([`/ipfs/${bad.cid}`, `/ipfs/${legal.cid} gateway_status=451`])
  })
  after(async () => lists.close())

  it('is 403 or 451 with the rule in the REST API', async () => {
    const { ask } = restPeerOf(new Refusing())

    const replies = [await ask(`POST /pins/${bad.cid}`), await ask(`POST /pins/${legal.cid}`)]

    assert.deepEqual(replies.map(({ status }) => status), [403, 451])
    assert.equal(textOf(replies[0] as never), `{"code":403,"message":"${bad.cid} is denied by test.deny:1"}\n`)
  })

  it('is 403 or 451 in the form of the pinning service', async () => {
    const peer = await pinningPeer({ cluster: new RefusingFollowed() })

    const replies = [await peer.json('POST /pins', { cid: String(bad.cid) }), await peer.json('POST /pins', { cid: String(legal.cid) })]
    await peer.stop()

    assert.deepEqual(replies.map(({ status }) => status), [403, 451])
    assert.deepEqual(replies[0]?.body, { error: { reason: `${bad.cid} is denied by test.deny:1` } })
  })

  it("is Kubo's 500 with a message in the proxy, for pin/add and for every way to store it", async () => {
    const ipfs = refusingIpfs(new FakeIpfs({ elsewhere: 'nothing' }, { clock: systemClock }), lists.denylist)
    const cluster = new Refusing()
    const peer = proxyPeer({ cluster, ipfs })
    const asked = [
      `pin/add?arg=${bad.cid}`, 'block/put?cid-codec=raw', 'block/put?cid-codec=raw&pin=true', `cat?arg=${bad.cid}`,
      `block/get?arg=${bad.cid}`
    ]

    const replies = []
    for (const request of asked) replies.push(await peer.ask(request, request.startsWith('block/put') ? uploadOf(bad.bytes) : {}))

    assert.deepEqual(replies.map(({ status }) => status), asked.map(() => 500))
    for (const reply of replies) {
      assert.equal(
        jsonOf(reply).Message, `${reply === replies[3] || reply === replies[4] ? '/ipfs/' : ''}${bad.cid} is denied by test.deny:1`
      )
    }
    assert.equal(cluster.pins.size, 0)
  })
})
