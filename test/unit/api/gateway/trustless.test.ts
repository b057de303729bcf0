import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { CarReader } from '@ipld/car'
import { encode as encodeCbor } from '@ipld/dag-cbor'
import type { Block } from '../../../../src/blockstore/blockstore.ts'
import { directoryBlock, fileBlock, rawBlock } from '../../../support/unixfs-blocks.ts'
import { blockOf } from '../../../support/blocks.ts'
import { gatewayPeer } from '../../../support/gateway-peer.ts'
import type { GatewayPeer } from '../../../support/gateway-peer.ts'
import { quietMs } from '../../../support/poll.ts'

let peer: GatewayPeer
let leaves: Block[]
let file: Block
let small: Block
let folder: Block
let root: Block
let document: Block

async function car (path: string, init: RequestInit = {}): Promise<{ response: Response, roots: string[], cids: string[] }> {
  const response = await peer.get(path, init)
  const reader = await CarReader.fromBytes(new Uint8Array(await response.arrayBuffer()))
  const cids: string[] = []
  for await (const { cid } of reader.blocks()) cids.push(cid.toString())
  return { response, roots: (await reader.getRoots()).map(String), cids }
}

const texts = (...blocks: Block[]): string[] => blocks.map(({ cid }) => cid.toString())

describe('trustless answers', { timeout: quietMs(20_000) }, () => {
  before(async () => {
    peer = await gatewayPeer()
    leaves = await Promise.all([0, 1, 2, 3].map(async at => rawBlock(new Uint8Array(1000).fill(at))))
    file = await fileBlock(leaves)
    small = await rawBlock('small')
    folder = await directoryBlock({ file, small, twice: small })
    document = blockOf(encodeCbor({ link: file.cid }), 0x71)
    root = await directoryBlock({ folder, document })
    peer.blocks.keep(...leaves, file, small, folder, root, document)
  })

  after(async () => peer.stop())

  it('gives a block as it is, at the end of a path too', async () => {
    const response = await peer.get(`/ipfs/${root.cid}/folder/file?format=raw`)

    assert.ok(Buffer.from(await response.arrayBuffer()).equals(file.bytes))
    assert.equal(response.headers.get('content-type'), 'application/vnd.ipld.raw')
    assert.equal(response.headers.get('etag'), `"${file.cid}.raw"`)
    assert.equal(response.headers.get('content-length'), String(file.bytes.length))
    assert.equal(response.headers.get('x-ipfs-roots'), [root, folder, file].map(({ cid }) => cid).join(','))
    assert.match(response.headers.get('content-disposition') ?? '', new RegExp(`^attachment; filename="${file.cid}\\.bin"`))
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
  })

  it('gives ranges of a block', async () => {
    const response = await peer.get(`/ipfs/${small.cid}?format=raw`, { headers: { range: 'bytes=1-2' } })

    assert.equal(response.status, 206)
    assert.equal(await response.text(), 'ma')
  })

  it('keeps names with a slash in them apart from paths', async () => {
    const inner = blockOf(encodeCbor({ b: small.cid }), 0x71)
    const outer = blockOf(encodeCbor({ a: inner.cid, 'a/b': leaves[0]?.cid }), 0x71)
    peer.blocks.keep(inner, outer)
    const lengths: number[] = []
    for (const path of ['a/b', 'a%2Fb', 'a/b']) {
      lengths.push((await (await peer.get(`/ipfs/${outer.cid}/${path}?format=raw`)).arrayBuffer()).byteLength)
    }

    assert.deepEqual(lengths, [5, 1000, 5])
  })

  it('answers the probe without any block', async () => {
    const reads = peer.blocks.read.length
    const raw = await peer.get('/ipfs/bafkqaaa?format=raw')
    const asCar = await car('/ipfs/bafkqaaa?format=car')

    assert.equal(raw.status, 200)
    assert.equal((await raw.arrayBuffer()).byteLength, 0)
    assert.deepEqual(asCar.roots, ['bafkqaaa'])
    assert.deepEqual(asCar.cids, [])
    assert.equal(peer.blocks.read.length, reads)
  })

  for (const [what, query, expected] of [
    ['all of it by default', '', () => texts(root, folder, file, ...leaves, small)],
    ['the last block', '&dag-scope=block', () => texts(root, folder)],
    ['a directory without what is in it', '&dag-scope=entity', () => texts(root, folder)]
  ] as const) {
    it(`makes a CAR of ${what}`, async () => {
      const { response, roots, cids } = await car(`/ipfs/${root.cid}/folder?format=car${query}`)

      assert.equal(response.headers.get('content-type'), 'application/vnd.ipld.car; version=1; order=dfs; dups=n')
      assert.equal(response.headers.get('accept-ranges'), 'none')
      assert.deepEqual(roots, texts(folder))
      assert.deepEqual(cids, expected())
    })
  }

  for (const [bytes, expected] of [
    ['0:*', [0, 1, 2, 3]], ['0:0', [0]], ['999:1000', [0, 1]], ['1000:1999', [1]], ['-1:*', [3]], ['-9999:-3001', [0]], ['2000:-1001', [2]],
    ['5000:*', []], ['0:-5000', []], ['500:99999', [0, 1, 2, 3]]
  ] as const) {
    it(`makes a CAR of the bytes ${bytes} of a file`, async () => {
      const { cids } = await car(`/ipfs/${file.cid}?format=car&entity-bytes=${bytes}`)

      assert.deepEqual(cids, texts(file, ...expected.map(at => leaves[at] as Block)))
    })
  }

  it('proves a path through a document, and repeats blocks when asked to', async () => {
    const through = await car(`/ipfs/${root.cid}/document/link?format=car&dag-scope=block`)
    const repeated = await car(`/ipfs/${folder.cid}`, { headers: { accept: 'application/vnd.ipld.car; dups=y; order=unk' } })

    assert.deepEqual(through.cids, texts(root, document, file))
    assert.equal(repeated.response.headers.get('content-type'), 'application/vnd.ipld.car; version=1; order=unk; dups=y')
    assert.deepEqual(repeated.cids, texts(folder, file, ...leaves, small, small))
    assert.equal(repeated.response.headers.get('content-location'), `/ipfs/${folder.cid}?car-dups=y&car-order=unk&format=car`)
  })

  it('tells CARs of one root apart by their ETag, and knows what the client has', async () => {
    const tags = await Promise.all(
      ['', '&dag-scope=block', '&entity-bytes=0:5', '&car-dups=y'].map(
        async query => (await peer.get(`/ipfs/${file.cid}?format=car${query}`, { method: 'HEAD' })).headers.get('etag') ?? ''
      )
    )
    const known = await peer.get(`/ipfs/${file.cid}?format=car`, { headers: { 'if-none-match': tags[0] ?? '' } })

    assert.equal(new Set(tags).size, 4)
    assert.ok(tags.every(tag => tag.startsWith('W/"')))
    assert.equal(known.status, 304)
  })

  it('breaks off when a block is missing further down, and answers 404 when the first one is', async () => {
    const missing = await rawBlock('nobody has this')
    const first = await rawBlock(new Uint8Array(40_000))
    const broken = await directoryBlock({ a: first, missing })
    peer.blocks.keep(broken, first)

    await assert.rejects(peer.get(`/ipfs/${broken.cid}?format=car`).then(async response => response.arrayBuffer()))
    assert.equal((await peer.get(`/ipfs/${missing.cid}?format=car`)).status, 404)
    assert.equal((await peer.get(`/ipfs/${file.cid}?format=car&entity-bytes=0:10`)).status, 200)
  })

  for (const query of [
    'dag-scope=some', 'entity-bytes=1', 'entity-bytes=a:b', 'entity-bytes=5:2', 'car-version=2', 'car-order=bfs', 'car-dups=maybe'
  ]) {
    it(`answers 400 to ${query}`, async () => {
      const response = await peer.get(`/ipfs/${file.cid}?format=car&${query}`)

      assert.equal(response.status, 400)
      assert.equal(response.headers.get('cache-control'), null)
    })
  }

  it('answers 412 at once to only-if-cached when it is not here', async () => {
    const missing = await rawBlock('nor this')
    peer.blocks.elsewhere = 'silent'
    try {
      for (const query of ['', '?format=raw', '?format=car']) {
        assert.equal((await peer.get(`/ipfs/${missing.cid}${query}`, { headers: { 'cache-control': 'only-if-cached' } })).status, 412)
      }
      assert.equal((await peer.get(`/ipfs/${small.cid}`, { headers: { 'cache-control': 'only-if-cached' } })).status, 200)
    } finally {
      peer.blocks.elsewhere = 'missing'
    }
  })

  it('serves nothing else when deserialized is off', async () => {
    const strict = await gatewayPeer({ deserialized: false })
    strict.blocks.keep(small)
    try {
      assert.equal((await strict.get(`/ipfs/${small.cid}`)).status, 406)
      assert.equal((await strict.get(`/ipfs/${small.cid}?format=tar`)).status, 406)
      assert.equal((await strict.get(`/ipfs/${small.cid}?format=raw`)).status, 200)
    } finally {
      await strict.stop()
    }
  })
})
