import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { encode as encodePb, prepare } from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import { CID } from 'multiformats/cid'
import { sha256 } from 'multiformats/hashes/sha2'
import type { Block } from '../../../../src/blockstore/blockstore.ts'
import { directoryBlock, fileBlock, rawBlock } from '../../../support/unixfs-blocks.ts'
import { gatewayPeer } from '../../../support/gateway-peer.ts'
import type { GatewayPeer } from '../../../support/gateway-peer.ts'

const content = Buffer.from('0123456789'.repeat(100_000))
let peer: GatewayPeer
let file: Block
let site: Block
let folder: Block

const keep = (...kept: Block[]): void => peer.blocks.keep(...kept)

async function symlink (target: string): Promise<Block> {
  const bytes = encodePb(prepare({ Data: new UnixFS({ type: 'symlink', data: new TextEncoder().encode(target) }).marshal(), Links: [] }))
  return { bytes, cid: CID.createV1(0x70, await sha256.digest(bytes)) }
}

const get = async (path: string, init: RequestInit = {}): Promise<Response> => peer.get(path, init)

describe('gateway', () => {
  before(async () => {
    peer = await gatewayPeer()
    const leaves = await Promise.all(Array.from({ length: 4 }, async (_, n) => rawBlock(content.subarray(n * 250_000, (n + 1) * 250_000))))
    file = await fileBlock(leaves)
    const index = await rawBlock('<!doctype html><title>site</title>')
    site = await directoryBlock({ 'index.html': index })
    const link = await symlink('elsewhere')
    folder = await directoryBlock({ 'a&b.txt': file, 'picture.png': index, site, link })
    keep(file, ...leaves, index, site, folder, link)
  })

  after(async () => { await peer.stop() })

  it('serves a file', async () => {
    const response = await get(`/ipfs/${file.cid}`)

    const body = Buffer.from(await response.arrayBuffer())
    assert.equal(response.status, 200)
    assert.ok(body.equals(content))
    assert.equal(response.headers.get('content-length'), String(content.length))
    assert.equal(response.headers.get('etag'), `"${file.cid}"`)
    assert.equal(response.headers.get('cache-control'), 'public, max-age=29030400, immutable')
    assert.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8')
  })

  it('serves a file by its path, typed by its name', async () => {
    const response = await get(`/ipfs/${folder.cid}/picture.png`)

    await response.arrayBuffer()
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('content-type'), 'image/png')
  })

  it('answers HEAD without a body', async () => {
    const response = await get(`/ipfs/${file.cid}`, { method: 'HEAD' })

    assert.equal(response.headers.get('content-length'), String(content.length))
    assert.equal(await response.text(), '')
  })

  for (const [range, expected, text] of [
    ['bytes=5-9', 'bytes 5-9/1000000', '56789'],
    ['bytes=249998-250001', 'bytes 249998-250001/1000000', '8901'],
    ['bytes=-3', 'bytes 999997-999999/1000000', '789'],
    ['bytes=999999-', 'bytes 999999-999999/1000000', '9']
  ] as const) {
    it(`serves ${range}`, async () => {
      const response = await get(`/ipfs/${file.cid}`, { headers: { range } })

      assert.equal(response.status, 206)
      assert.equal(response.headers.get('content-range'), expected)
      assert.equal(await response.text(), text)
    })
  }

  it('answers 416 beyond the end', async () => {
    const response = await get(`/ipfs/${file.cid}`, { headers: { range: 'bytes=2000000-' } })

    await response.text()
    assert.equal(response.status, 416)
    assert.equal(response.headers.get('content-range'), 'bytes */1000000')
  })

  it('answers 304 to who has it', async () => {
    const response = await get(`/ipfs/${file.cid}`, { headers: { 'if-none-match': `"${file.cid}"` } })

    assert.equal(response.status, 304)
  })

  it('lists a directory', async () => {
    const response = await get(`/ipfs/${folder.cid}/`)

    const html = await response.text()
    assert.equal(response.status, 200)
    assert.ok(
      html.includes(`<a href="/ipfs/${folder.cid}/a&#38;b.txt">a&amp;b.txt</a>`)
        || html.includes(`<a href="/ipfs/${folder.cid}/a&amp;b.txt">a&amp;b.txt</a>`)
    )
    assert.ok(html.includes(`/ipfs/${file.cid}?filename=`))
  })

  it('serves index.html for a directory that has one', async () => {
    const response = await get(`/ipfs/${folder.cid}/site/`)

    assert.equal(await response.text(), '<!doctype html><title>site</title>')
    assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
  })

  it('sends directories to their slash', async () => {
    const response = await get(`/ipfs/${folder.cid}/site?x=1`)

    await response.text()
    assert.equal(response.status, 301)
    assert.equal(response.headers.get('location'), `/ipfs/${folder.cid}/site/?x=1`)
  })

  for (const [what, path, status, text] of [
    ['a name that is not there', () => `/ipfs/${folder.cid}/nope`, 404, /^no link named "nope" under /],
    ['a CID that is none', () => '/ipfs/nonsense', 400, /invalid cid/],
    ['content that does not come', () => '/ipfs/bafkqaaa7', 400, /invalid cid/],
    ['other namespaces', () => '/ipns/example.org', 501, /does not look up names/],
    ['bad escapes', () => '/ipfs/%fx', 400, /percent/]
  ] as const) {
    it(`answers ${status} to ${what}`, async () => {
      const response = await get(path())

      assert.equal(response.status, status)
      assert.match(await response.text(), text)
    })
  }

  it('answers 404 when a block is not to be had', async () => {
    const missing = await rawBlock('nobody has this')

    const response = await get(`/ipfs/${missing.cid}`)

    assert.equal(response.status, 404)
    assert.match(await response.text(), /not found locally/)
  })

  it('answers 405 with Allow to other methods', async () => {
    const response = await get(`/ipfs/${file.cid}`, { method: 'POST' })

    await response.text()
    assert.equal(response.status, 405)
    assert.equal(response.headers.get('allow'), 'GET, HEAD, OPTIONS')
  })

  it('cuts the connection when a block in the middle does not come', async () => {
    const leaves = [await rawBlock(new Uint8Array(200_000).fill(1)), await rawBlock(new Uint8Array(200_000).fill(2))]
    const broken = await fileBlock(leaves)
    keep(broken, leaves[0] as Block)

    const response = await get(`/ipfs/${broken.cid}?filename=x.bin`, { headers: { range: 'bytes=0-' } })

    await assert.rejects(response.arrayBuffer())
  })
})
