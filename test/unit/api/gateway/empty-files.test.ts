import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { encode as encodePb, prepare } from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import { directoryBlock, rawBlock } from '../../../support/unixfs-blocks.ts'
import { blockOf } from '../../../support/blocks.ts'
import { gatewayPeer } from '../../../support/gateway-peer.ts'
import type { GatewayPeer } from '../../../support/gateway-peer.ts'

/**
 * Kubo 0.44 answers 200 without a body to `bytes=0-`; caches put it on every request. To others it answers 206 with a range that can't be,
 * 416, 400 or 500.
 */
const ranges = ['bytes=0-', 'bytes=0-0', 'bytes=0-499', 'bytes=-1', 'bytes=5-', 'bytes=0-,1-']

describe('ranges of empty files', () => {
  let peer: GatewayPeer
  const paths = new Map<string, string>([['an identity CID', 'bafkqaaa']])
  before(async () => {
    peer = await gatewayPeer()
    const raw = await rawBlock('')
    const unixfs = blockOf(encodePb(prepare({ Data: new UnixFS({ type: 'file' }).marshal(), Links: [] })), 0x70)
    const site = await directoryBlock({ 'index.html': unixfs, 'e.txt': raw })
    peer.blocks.keep(raw, unixfs, site)
    for (
      const [what, path] of [
        ['raw', String(raw.cid)], ['dag-pb', String(unixfs.cid)], ['an index.html', `${String(site.cid)}/`],
        ['a file in a directory', `${String(site.cid)}/e.txt`], ['a raw block', `${String(raw.cid)}?format=raw`]
      ] as const
    ) paths.set(what, path)
  })
  after(async () => { await peer.stop() })

  for (const method of ['GET', 'HEAD']) {
    it(`are the whole of it, ${method}: 200, no body, no Content-Range`, async () => {
      for (const [what, path] of paths) for (const range of ranges) {
        const response = await peer.get(`/ipfs/${path}`, { method, headers: { range } })

        assert.deepEqual(
          [response.status, response.headers.get('content-range'), response.headers.get('content-length'), await response.text()],
          [200, null, '0', ''], `${what}, ${range}`
        )
      }
    })
  }
})
