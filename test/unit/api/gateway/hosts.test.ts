import assert from 'node:assert/strict'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { encode as encodeCbor } from '@ipld/dag-cbor'
import { base36 } from 'multiformats/bases/base36'
import { CID } from 'multiformats/cid'
import type { IncomingMessage } from 'node:http'
import type { Block } from '../../../../src/blockstore/blockstore.ts'
import { directoryBlock, rawBlock } from '../../../support/unixfs-blocks.ts'
import { blockOf } from '../../../support/blocks.ts'
import { gatewayPeer } from '../../../support/gateway-peer.ts'
import type { GatewayPeer } from '../../../support/gateway-peer.ts'
import { memoryNames } from '../../../support/memory-names.ts'
import { quietMs } from '../../../support/poll.ts'

let peer: GatewayPeer
let folder: Block
let page: Block
const names = memoryNames()
const peerId = '12D3KooWKRyzVWW6ChFjQjK4miCty85Niy48tpPV95XdKu1BcvMA'

/** A request with any host, which `fetch` doesn't allow. */
async function at (
  host: string, path: string, headers: Record<string, string> = {}, from = peer
): Promise<{ status: number, headers: IncomingMessage['headers'], body: string }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(`${from.url}`, { path, headers: { host, ...headers } }, resolve).once('error', reject).end()
  })
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) }
}

describe('hosts of the gateway', { timeout: quietMs(20_000) }, () => {
  before(async () => {
    peer = await gatewayPeer({
      hosts: new Map(
        [
          ['localhost', { subdomains: true, inlineDnslink: true }], ['example.com', { subdomains: true, inlineDnslink: false }],
          ['plain.example.com', { subdomains: false, inlineDnslink: false }]
        ]
      )
    }, { names })
    page = await rawBlock('a page')
    folder = await directoryBlock({ 'a page.txt': page, ipfs: await directoryBlock({ 'in.txt': page }) })
    peer.blocks.keep(page, folder, await directoryBlock({ 'in.txt': page }))
    names.targets.set('en.my-site.org', { value: `/ipfs/${folder.cid}`, ttlSeconds: 60 })
    names.targets.set(
      CID.parse(`k51qzi5uqu5dhjghbwdvbo6mi40htrq6e2z4pwgp15pgv3ho1azvidttzh8yy2`, base36).toString(base36),
      { value: `/ipfs/${folder.cid}`, ttlSeconds: undefined }
    )
  })

  after(async () => peer.stop())

  it('sends content to a name of its own where a host has subdomains, path and query kept', async () => {
    const answer = await at('localhost:8080', `/ipfs/${folder.cid}/a%20page.txt?x=1&y=%20`)

    assert.equal(answer.status, 301)
    assert.equal(answer.headers.location, `http://${folder.cid}.ipfs.localhost:8080/a%20page.txt?x=1&y=%20`)
  })

  it('writes CIDs of version 0 as labels can have them', async () => {
    const v0 = CID.createV0(folder.cid.multihash as never)
    const answer = await at('example.com', `/ipfs/${v0}/`)

    assert.equal(answer.headers.location, `http://${folder.cid}.ipfs.example.com/`)
  })

  it('serves the content at the root of its name, without a sandbox', async () => {
    const answer = await at(`${folder.cid}.ipfs.localhost`, '/a%20page.txt')

    assert.equal(answer.body, 'a page')
    assert.equal(answer.headers['x-ipfs-path'], `/ipfs/${folder.cid}/a%20page.txt`)
    assert.equal(answer.headers['content-security-policy'], undefined)
  })

  it('has no /ipfs/ of its own there, but that of the content', async () => {
    assert.equal((await at(`${folder.cid}.ipfs.localhost`, `/ipfs/${page.cid}`)).status, 404)
    assert.equal((await at(`${folder.cid}.ipfs.localhost`, '/ipfs/in.txt')).body, 'a page')
  })

  it('sandboxes what shares a host, unless nothing else lives there', async () => {
    const shared = await at('127.0.0.1', `/ipfs/${page.cid}`)
    const alone = await gatewayPeer({ contentOnly: true })
    alone.blocks.keep(page)

    assert.match(String(shared.headers['content-security-policy']), /^sandbox allow-scripts(?!.*allow-same-origin)/)
    assert.equal((await at('127.0.0.1', `/ipfs/${page.cid}`, {}, alone)).headers['content-security-policy'], undefined)
    await alone.stop()
  })

  it('sends other forms of a label to the right one, and refuses what is none', async () => {
    const upper = await at(`${CID.createV0(folder.cid.multihash as never)}.ipfs.localhost`, '/x?y')

    assert.equal(upper.status, 301)
    assert.equal(upper.headers.location, `http://${folder.cid}.ipfs.localhost/x?y`)
    assert.equal((await at('nonsense.ipfs.localhost', '/')).status, 400)
  })

  it('stays with paths on addresses, unknown hosts and hosts without subdomains', async () => {
    for (const host of ['127.0.0.1:1234', '[::1]', 'unknown.example.org', 'plain.example.com']) {
      assert.equal((await at(host, `/ipfs/${page.cid}`)).body, 'a page', host)
    }
  })

  it('serves DNSLink names: as a host, below a host, as one label', async () => {
    assert.equal((await at('en.my-site.org', '/a%20page.txt')).body, 'a page')
    assert.equal((await at('en.my-site.org.ipns.example.com', '/a%20page.txt')).body, 'a page')
    assert.equal((await at('en-my--site-org.ipns.localhost', '/a%20page.txt')).body, 'a page')
    assert.equal((await at('localhost', '/ipns/en.my-site.org/x')).headers.location, 'http://en-my--site-org.ipns.localhost/x')
    assert.equal((await at('example.com', '/ipns/en.my-site.org/x')).headers.location, 'http://en.my-site.org.ipns.example.com/x')
  })

  it('writes keys in base36', async () => {
    const below = await at('localhost', `/ipns/${peerId}`)
    const path = await at('127.0.0.1', `/ipns/${peerId}/x?y`)

    assert.match(below.headers.location ?? '', /^http:\/\/k51[a-z0-9]+\.ipns\.localhost\/$/)
    assert.equal(path.status, 302)
    assert.match(path.headers.location ?? '', /^\/ipns\/k51[a-z0-9]+\/x\?y$/)
  })

  it('tells names without a time to live by Last-Modified, the others by max-age', async () => {
    const key = 'k51qzi5uqu5dhjghbwdvbo6mi40htrq6e2z4pwgp15pgv3ho1azvidttzh8yy2'
    const unknown = await at('127.0.0.1', `/ipns/${key}/a%20page.txt`)
    const known = await at('en.my-site.org', '/a%20page.txt')

    assert.equal(unknown.headers['cache-control'], undefined)
    assert.ok(unknown.headers['last-modified'] != null)
    assert.equal(known.headers['cache-control'], 'public, max-age=60')
  })

  it('believes X-Forwarded-* of trusted proxies only', async () => {
    const headers = { 'x-forwarded-host': 'example.com', 'x-forwarded-proto': 'https' }
    const wary = await gatewayPeer({ trustedProxies: ['10.0.0.0/8'] })
    wary.blocks.keep(page)

    assert.equal((await at('other.org', `/ipfs/${page.cid}`, headers)).headers.location, `https://${page.cid}.ipfs.example.com/`)
    assert.equal((await at('other.org', `/ipfs/${page.cid}`, headers, wary)).body, 'a page')
    await wary.stop()
  })

  it('writes the client of a trusted proxy into its access log', async () => {
    const lines: string[] = []
    const logging = await gatewayPeer({ logLine: line => lines.push(line) })

    await at('127.0.0.1', '/', { 'x-forwarded-for': '203.0.113.1, 192.0.2.7' }, logging)
    await at('127.0.0.1', '/', {}, logging)
    await logging.stop()

    assert.deepEqual(lines.map(line => line.split(' ')[0]), ['192.0.2.7', '127.0.0.1'])
  })

  it('answers as a proxy by the host of the absolute form', async () => {
    assert.equal((await at('ignored', `http://${folder.cid}.ipfs.localhost/a%20page.txt`)).body, 'a page')
  })

  it('opens ipfs:// addresses, and paths with a namespace too many', async () => {
    assert.equal((await at('127.0.0.1', `/ipfs/?uri=ipfs%3A%2F%2F${page.cid}%2Fx`)).headers.location, `/ipfs/${page.cid}/x`)
    assert.equal(
      (await at('127.0.0.1', `/ipfs/?uri=${encodeURIComponent(`ipfs://${page.cid}/a%20b/é`)}`)).headers.location,
      `/ipfs/${page.cid}/a%20b/%C3%A9`
    )
    assert.equal((await at('127.0.0.1', `/ipfs/ipfs/${page.cid}`)).headers.location, `/ipfs/${page.cid}`)
    assert.equal((await at('127.0.0.1', '/ipfs/?uri=https%3A%2F%2Fexample.org')).status, 400)
  })

  it('knows its hosts in capitals and with a dot at their end', async () => {
    assert.equal(
      (await at('LOCALHOST.:8080', `/ipfs/${folder.cid}/a%20page.txt`)).headers.location,
      `http://${folder.cid}.ipfs.LOCALHOST.:8080/a%20page.txt`
    )
    for (const host of [`${folder.cid}.IPFS.LocalHost`, `${folder.cid}.ipfs.localhost.`, `${folder.cid}.ipfs.localhost.:8080`]) {
      assert.equal((await at(host, '/a%20page.txt')).body, 'a page', host)
    }
  })

  it('leads to no other host from within a document or a folder', async () => {
    const document = blockOf(encodeCbor({ 'evil.example': folder.cid }), 0x71)
    const root = blockOf(encodeCbor({ 'evil.example': document.cid, '\\evil.example': folder.cid }), 0x71)
    peer.blocks.keep(document, root)
    const host = `${root.cid}.ipfs.localhost`

    assert.equal((await at(host, '//evil.example', { accept: 'text/html' })).headers.location, '/evil.example/')
    assert.equal((await at(host, '/\\evil.example')).headers.location, '/%5Cevil.example/')
  })

  it('never redirects to another host than its own', async () => {
    for (const path of [
      '//evil.example/', `/ipfs/${folder.cid}//evil.example/..`, '/\\evil.example', `/ipfs/${folder.cid}/%2f%2fevil.example`
    ]) {
      const { status, headers } = await at('127.0.0.1', path)
      assert.ok(status >= 400 || (headers.location ?? '').startsWith('/ipfs/'), `${path}: ${status} ${headers.location}`)
    }
  })
})
