import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Block } from '../../../../src/blockstore/blockstore.ts'
import type { IpfsConnector } from '../../../../src/ipfs/ipfs.ts'
import { refusingIpfs } from '../../../../src/node/refusing-ipfs.ts'
import { directoryBlock, rawBlock } from '../../../support/unixfs-blocks.ts'
import { denyLists } from '../../../support/deny-lists.ts'
import type { DenyLists } from '../../../support/deny-lists.ts'
import { gatewayPeer, MemoryBlocks } from '../../../support/gateway-peer.ts'
import type { GatewayPeer } from '../../../support/gateway-peer.ts'
import { memoryNames } from '../../../support/memory-names.ts'
import { quietMs } from '../../../support/poll.ts'

let peer: GatewayPeer
let lists: DenyLists
let bad: Block
let legal: Block
let good: Block
let badFolder: Block
let folder: Block
let site: Block

const status = async (path: string, init: RequestInit = {}): Promise<number> => {
  const response = await peer.get(path, init)
  await response.arrayBuffer()
  return response.status
}

describe('denied content at the gateway', { timeout: quietMs(20_000) }, () => {
  before(async () => {
    bad = await rawBlock('bad')
    legal = await rawBlock('somebody else owns this')
    good = await rawBlock('good')
    badFolder = await directoryBlock({ good })
    folder = await directoryBlock({ bad, good, badFolder, hidden: good })
    site = await directoryBlock({ 'index.html': good })
    lists = await denyLists([
      `/ipfs/${bad.cid}`, `/ipfs/${badFolder.cid}`, `/ipfs/${legal.cid} gateway_status=451`, `/ipfs/${folder.cid}/hidden*`,
      `/ipfs/${site.cid}/index.html`, '/ipns/bad.example', '/ipns/some.example/no'
    ])
    peer = await gatewayPeer({}, {
      denylist: lists.denylist,
      names: memoryNames({
        'to-bad.example': `/ipfs/${bad.cid}`, 'bad.example': `/ipfs/${good.cid}`, 'via-bad.example': '/ipns/bad.example',
        'some.example': `/ipfs/${folder.cid}`
      })
    })
    peer.blocks.keep(bad, legal, good, badFolder, folder, site)
  })

  after(async () => {
    await peer.stop()
    await lists.close()
  })

  it('is 410 in every format and for HEAD, and 451 where the rule says so', async () => {
    for (const format of [
      '', '?format=raw', '?format=car', '?format=tar', '?format=dag-json', '?filename=x', '?format=car&dag-scope=block'
    ]) {
      assert.equal(await status(`/ipfs/${bad.cid}${format}`), 410, format)
      assert.equal(await status(`/ipfs/${legal.cid}${format}`), 451, format)
      assert.equal(await status(`/ipfs/${bad.cid}${format}`, { method: 'HEAD' }), 410, format)
    }
    assert.equal(await status(`/ipfs/${bad.cid}`, { headers: { 'If-None-Match': '*' } }), 410)
    assert.equal(await status(`/ipfs/${good.cid}`), 200)
  })

  it('says it in a sentence, without the rule and without leave to keep it', async () => {
    const response = await peer.get(`/ipfs/${bad.cid}`)

    const body = await response.text()
    assert.match(body, /blocked on this gateway/)
    assert.doesNotMatch(body, /test\.deny/)
    assert.equal(response.headers.get('cache-control'), null)
  })

  it('is refused behind any path: as its end, on the way, by a rule for the path, as the page of a folder', async () => {
    const paths = ['bad', 'badFolder', 'badFolder/good', 'hidden', 'hidden/x', 'good']

    assert.deepEqual(await Promise.all(paths.map(async path => status(`/ipfs/${folder.cid}/${path}`))), [410, 410, 410, 410, 410, 200])
    assert.deepEqual([await status(`/ipfs/${site.cid}/`), await status(`/ipfs/${site.cid}/index.html`)], [410, 410])
  })

  it('is refused behind names: what they lead to, the name itself, a name on the way, a path behind it', async () => {
    const paths = [
      'to-bad.example', 'bad.example', 'bad.example/any', 'BAD.example', 'bad-example', 'via-bad.example', 'some.example/no',
      'some.example/bad', 'some.example/good'
    ]

    assert.deepEqual(await Promise.all(paths.map(async path => status(`/ipns/${path}`))), [410, 410, 410, 410, 410, 410, 410, 410, 200])
  })

  it('is refused on subdomains and on hosts with a DNSLink', async () => {
    const host = (name: string): RequestInit => ({ headers: { 'X-Forwarded-Host': name } })

    assert.equal(await status('/', host(`${bad.cid}.ipfs.localhost`)), 410)
    assert.equal(await status('/', host('bad-example.ipns.localhost')), 410)
    assert.equal(await status('/', host('bad.example')), 410)
    assert.equal(await status('/bad', host('some.example')), 410)
    assert.equal(await status('/good', host('some.example')), 200)
  })

  it('breaks off a CAR and a tar that meet it further in, and is a status where nothing was sent yet', async () => {
    const before = await Promise.all(Array.from({ length: 8 }, async (_, at) => rawBlock(new Uint8Array(200_000).fill(at))))
    const late = await directoryBlock({ ...Object.fromEntries(before.map((block, at) => [`a${at}`, block])), z: bad })
    const early = await directoryBlock({ a: bad, z: good })
    const blocks = new MemoryBlocks()
    blocks.keep(bad, good, early, late, ...before)
    const refusing = await gatewayPeer({}, {
      denylist: lists.denylist, ipfs: refusingIpfs(blocks as unknown as IpfsConnector, lists.denylist)
    })
    for (const format of ['car', 'tar']) {
      const response = await refusing.get(`/ipfs/${late.cid}?format=${format}`)
      let length = 0

      assert.equal(response.status, 200)
      await assert.rejects(async () => { for await (const piece of response.body ?? []) length += piece.length }, TypeError, format)
      assert.ok(length > 0 && length < 1_700_000, `${format}: ${length}`)
      assert.equal((await refusing.get(`/ipfs/${early.cid}?format=${format}`)).status, 410, format)
    }
    await refusing.stop()
  })

  it('is served again once the rule is gone, whatever was remembered', async () => {
    await lists.write('test.deny', [])
    await lists.look()

    assert.deepEqual([await status(`/ipfs/${bad.cid}`), await status(`/ipfs/${folder.cid}/badFolder/good`)], [200, 200])
  })
})
