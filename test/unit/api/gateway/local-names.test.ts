import assert from 'node:assert/strict'
import { request } from 'node:http'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Block } from '../../../../src/blockstore/blockstore.ts'
import { rawBlock } from '../../../support/unixfs-blocks.ts'
import { gatewayPeer } from '../../../support/gateway-peer.ts'
import type { GatewayPeer } from '../../../support/gateway-peer.ts'
import { memoryNames } from '../../../support/memory-names.ts'
import type { MemoryNames } from '../../../support/memory-names.ts'
import { quietMs } from '../../../support/poll.ts'

const key = 'k51qzi5uqu5dgutdk6i1ynyzgkqngpha5xpgia3a5qqp4jsh0u4csozksxel2r'
const ifCached = { 'cache-control': 'only-if-cached' }

let page: Block
let names: MemoryNames
let peer: GatewayPeer

/** Status of an answer of a host that is no gateway's. */
async function statusAt (host: string, path: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(`${peer.url}${path}`, { headers: { host, ...headers } }, response => {
      response.resume()
      resolve(response.statusCode)
    }).on('error', reject).end()
  })
}

describe('names of the gateway when nobody may be asked', { timeout: quietMs(10_000) }, () => {
  beforeEach(async () => {
    page = await rawBlock('page')
    names = memoryNames({ 'site.example': `/ipfs/${page.cid}` })
    names.targets.set(key, { value: `/ipfs/${page.cid}`, ttlSeconds: 60 })
    peer = await gatewayPeer({}, { names })
    peer.blocks.keep(page)
  })
  afterEach(async () => peer.stop())

  it('are looked up here alone for only-if-cached: 412 for what is not known', async () => {
    const [domain, record] = [
      await peer.get('/ipns/site.example', { headers: ifCached }), await peer.get(`/ipns/${key}`, { headers: ifCached })
    ]

    assert.deepEqual([domain.status, record.status], [412, 200])
    assert.match(await domain.text(), /only-if-cached/)
    assert.ok(names.asked.every(({ local }) => local === 'all'))
  })

  it('make 412 of a host that may be a site, but not of a path below it that needs no name', async () => {
    assert.equal(await statusAt('site.example', '/', ifCached), 412)
    assert.equal(await statusAt('site.example', `/ipfs/${page.cid}`, ifCached), 200)
    assert.equal(await statusAt('site.example', '/', {}), 200)
  })

  it('give records that are here, and 412 for those that are not', async () => {
    names.records.set(key, { bytes: page.bytes, ttlSeconds: 60, validUntil: Date.now() + 60_000 })
    const other = key.replace(/r$/, 's')

    const [here, away] = [
      await peer.get(`/ipns/${key}?format=ipns-record`, { headers: ifCached }),
      await peer.get(`/ipns/${other}?format=ipns-record`, { headers: ifCached })
    ]

    assert.deepEqual([here.status, away.status], [200, 412])
  })

  it('are asked of the DNS but not of the routing by a gateway that fetches nothing', async () => {
    await peer.stop()
    peer = await gatewayPeer({ noFetch: true }, { names })
    peer.blocks.keep(page)

    const [domain, record] = [await peer.get('/ipns/site.example'), await peer.get(`/ipns/${key}`)]

    assert.deepEqual([domain.status, record.status], [200, 200])
    assert.ok(names.asked.every(({ local }) => local === 'keys'))
  })
})
