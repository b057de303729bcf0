import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Block } from '../../../../src/blockstore/blockstore.ts'
import { rawBlock } from '../../../support/unixfs-blocks.ts'
import { denyLists } from '../../../support/deny-lists.ts'
import { gatewayPeer } from '../../../support/gateway-peer.ts'
import type { GatewayPeer } from '../../../support/gateway-peer.ts'
import { quietMs } from '../../../support/poll.ts'
import { SimClock } from '../../../support/sim-clock.ts'

let clock: SimClock
let peer: GatewayPeer
let page: Block

/** Status, ETag, type and body. */
async function answer (headers: Record<string, string> = {}, path = `/ipfs/${page.cid}`, method = 'GET'): Promise<unknown[]> {
  const response = await peer.get(path, { headers, method })
  return [response.status, response.headers.get('etag'), response.headers.get('content-type'), await response.text()]
}

describe('small answers that were given a moment ago', { timeout: quietMs(10_000) }, () => {
  beforeEach(async () => {
    clock = new SimClock()
    page = await rawBlock('0123456789')
    peer = await gatewayPeer({ noFetch: true }, { clock })
    peer.blocks.keep(page)
  })
  afterEach(async () => peer.stop())

  it('are the same for who asks the same', async () => {
    const first = await answer()

    assert.deepEqual(await answer(), first)
    assert.equal(peer.blocks.read.length, 1)
  })

  it('are no answer to who asks for a part, another form, or has it already', async () => {
    const [, etag] = await answer()

    assert.deepEqual((await answer({ range: 'bytes=2-3' })).slice(-1), ['23'])
    assert.equal((await answer({ accept: 'application/vnd.ipld.raw' }))[2], 'application/vnd.ipld.raw')
    assert.equal((await answer({ 'if-none-match': String(etag) }))[0], 304)
    assert.equal((await answer({}, `/ipfs/${page.cid}?format=raw`))[2], 'application/vnd.ipld.raw')
    assert.deepEqual((await answer({}, undefined, 'HEAD')).slice(-1), [''])
    assert.equal((await answer({ 'x-forwarded-host': 'localhost' }))[0], 301)
  })

  it('are over after a second, for what is collected must be gone', async () => {
    await answer()
    peer.blocks.drop(page.cid)
    assert.equal((await answer())[0], 200)

    await clock.advance(2000)

    assert.equal((await answer())[0], 404)
  })

  it('are given anew where something is denied', async () => {
    const lists = await denyLists([])
    await peer.stop()
    peer = await gatewayPeer({ noFetch: true }, { clock, denylist: lists.denylist })
    peer.blocks.keep(page)
    assert.equal((await answer())[0], 200)

    await lists.write('new.deny', [`/ipfs/${page.cid}`])
    await lists.look()

    assert.equal((await answer())[0], 410)
    await lists.close()
  })
})
