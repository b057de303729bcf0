import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { encode as encodeCbor } from '@ipld/dag-cbor'
import { encode as encodePb, prepare } from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import type { Block } from '../../../../src/blockstore/blockstore.ts'
import { directoryBlock, fileBlock, rawBlock } from '../../../support/unixfs-blocks.ts'
import { blockOf } from '../../../support/blocks.ts'
import { testReader } from '../../../support/dag-reader.ts'
import { gatewayDefaults, gatewayPeer } from '../../../support/gateway-peer.ts'
import type { GatewayPeer } from '../../../support/gateway-peer.ts'
import { quietMs } from '../../../support/poll.ts'
import { SimClock } from '../../../support/sim-clock.ts'

let peer: GatewayPeer
let page: Block
let folder: Block
let large: Block
const leaves: Block[] = []
const names = ['a b', 'c%d', 'é', 'q?x', '<b>', "o'k", '#']

const pb = (data: UnixFS, links: Block[] = [], named: string[] = []): Block =>
  blockOf(
    encodePb(prepare({ Data: data.marshal(), Links: links.map(({ cid }, at) => ({ Name: named[at] ?? '', Hash: cid, Tsize: 1 })) })), 0x70
  )

/** What a server answers to bytes that no client library would send. */
async function raw (bytes: string): Promise<string> {
  const socket = connect(Number(new URL(peer.url).port), '127.0.0.1')
  socket.write(bytes)
  return text(socket)
}

describe('answers of the gateway', { timeout: quietMs(20_000) }, () => {
  before(async () => {
    peer = await gatewayPeer()
    page = await rawBlock('0123456789')
    folder = await directoryBlock(Object.fromEntries(names.map(name => [name, page])))
    for (let at = 0; at < 4; at++) leaves.push(await rawBlock(new Uint8Array(1000).fill(at)))
    large = await fileBlock(leaves)
    peer.blocks.keep(page, folder, large, ...leaves)
  })

  after(async () => peer.stop())

  it('finds every name that a listing links to', async () => {
    const html = await (await peer.get(`/ipfs/${folder.cid}/`)).text()
    const links = [...html.matchAll(/<a href="(\/ipfs\/[^"]+)">/g)].map(
      ([, link = '']) => link.replaceAll('&amp;', '&').replaceAll('&#39;', "'").replaceAll('&#34;', '"')
    ).filter(link => link.startsWith(`/ipfs/${folder.cid}/`))

    assert.equal(links.length, names.length)
    for (const link of links) assert.equal(await (await peer.get(link)).text(), '0123456789', link)
    assert.ok(!html.includes('<b>'))
  })

  for (const [range, status, contentRange] of [
    ['bytes=0-0', 206, 'bytes 0-0/4000'], ['bytes=-1', 206, 'bytes 3999-3999/4000'], ['bytes=3999-9999', 206, 'bytes 3999-3999/4000'],
    ['bytes=0-,0-', 200, null],
    ['bytes=9000-,0-1', 206, 'bytes 0-1/4000'], ['bytes=4000-', 416, 'bytes */4000'], ['bytes=-0', 416, 'bytes */4000'],
    ['bytes=20-10', 200, null], ['items=0-1', 200, null], ['bytes=', 200, null],
    ['bytes=a-b', 200, null], ['bytes=1', 200, null], [`bytes=${'1-2,'.repeat(40)}`, 200, null], ['bytes=99999999999999999999-', 200, null]
  ] as const) {
    it(`answers ${status} to ${range.slice(0, 30)}`, async () => {
      const response = await peer.get(`/ipfs/${large.cid}`, { headers: { range } })

      await response.arrayBuffer()
      assert.equal(response.status, status)
      assert.equal(response.headers.get('content-range'), contentRange)
    })
  }

  for (const [what, target, content] of [
    ['a file', () => `/ipfs/${large.cid}?filename=x.bin`, () => Buffer.concat(leaves.map(({ bytes }) => bytes))],
    ['a file without a name', () => `/ipfs/${large.cid}`, () => Buffer.concat(leaves.map(({ bytes }) => bytes))],
    ['a block', () => `/ipfs/${leaves[1]?.cid}?format=raw`, () => Buffer.from(leaves[1]?.bytes ?? [])]
  ] as const) {
    it(`gives several ranges of ${what} in one answer`, async () => {
      const [url, bytes] = [target(), content()]
      const { length: size } = bytes
      const response = await peer.get(url, { headers: { range: `bytes=990-${size === 1000 ? 999 : 1009},0-4,-3, ${size}-` } })

      const body = Buffer.from(await response.arrayBuffer())
      const [, boundary = ''] = /^multipart\/byteranges; boundary=([0-9a-f]{48})$/.exec(response.headers.get('content-type') ?? '') ?? []
      const parts = body.toString('latin1').split(`\r\n--${boundary}`)
      const found = parts.slice(1, -1).map(
        part => /^\r\nContent-Type: (\S+)\r\nContent-Range: bytes (\d+)-(\d+)\/(\d+)\r\n\r\n(.*)$/s.exec(part)?.slice(2)
      )

      assert.equal(response.status, 206)
      assert.equal(response.headers.get('content-range'), null)
      assert.equal(response.headers.get('content-length'), String(body.length))
      assert.deepEqual([parts[0], parts.at(-1)], ['', '--\r\n'])
      assert.deepEqual(
        found.map(part => part?.slice(0, 3).map(Number)),
        [[990, size === 1000 ? 999 : 1009, size], [0, 4, size], [size - 3, size - 1, size]]
      )
      for (const part of found) assert.equal(part?.[3], bytes.toString('latin1', Number(part?.[0]), Number(part?.[1]) + 1))
    })
  }

  it('has another boundary in every answer, and tells the length of several ranges to HEAD', async () => {
    const ask = async (method: string): Promise<Response> => peer.get(`/ipfs/${large.cid}`, { method, headers: { range: 'bytes=0-1,4-5' } })
    const [one, two, head] = [await ask('GET'), await ask('GET'), await ask('HEAD')]

    const types = [one, two].map(({ headers }) => headers.get('content-type'))
    assert.notEqual(types[0], types[1])
    assert.deepEqual([head.status, head.headers.get('content-length')], [206, String((await one.arrayBuffer()).byteLength)])
    await two.arrayBuffer()
  })

  it('reads only the leaves that a range needs', async () => {
    const parts = await Promise.all([5, 6, 7].map(async at => rawBlock(new Uint8Array(50_000).fill(at))))
    const file = await fileBlock(parts)
    peer.blocks.keep(file, ...parts)
    const from = peer.blocks.read.length

    await (await peer.get(`/ipfs/${file.cid}?filename=x.bin`, { headers: { range: 'bytes=60000-60010' } })).arrayBuffer()

    assert.deepEqual(peer.blocks.read.slice(from), [String(file.cid), String(parts[1]?.cid)])
  })

  it('takes If-Range only with the same strong ETag', async () => {
    const status = async (condition: string): Promise<number> => (
      await peer.get(`/ipfs/${page.cid}`, { headers: { range: 'bytes=0-0', 'if-range': condition } })
    ).status

    assert.deepEqual([await status(`"${page.cid}"`), await status(`W/"${page.cid}"`), await status('"x"')], [206, 200, 200])
  })

  it('answers 304 before it touches any block', async () => {
    const from = peer.blocks.read.length
    for (const tag of [`"${large.cid}"`, `W/"${large.cid}"`, `"x", "${large.cid}"`]) {
      const response = await peer.get(`/ipfs/${large.cid}`, { headers: { 'if-none-match': tag } })
      assert.equal(response.status, 304)
      assert.equal(response.headers.get('cache-control'), 'public, max-age=29030400, immutable')
      assert.equal(response.headers.get('x-ipfs-path'), `/ipfs/${large.cid}`)
    }

    assert.equal(peer.blocks.read.length, from)
    assert.equal((await peer.get(`/ipfs/${large.cid}`, { headers: { 'if-none-match': '*' } })).status, 304)
  })

  it('says in one line what its answers depend on', async () => {
    const choosy = await gatewayPeer({ cors: { ...gatewayDefaults.cors, allowedOrigins: ['https://a.example'] } })
    choosy.blocks.keep(page)
    const { rawHeaders } = await new Promise<IncomingMessage>(
      resolve => request(`${choosy.url}/ipfs/${page.cid}`, { headers: { origin: 'https://a.example' } }, resolve).end()
    )
    const vary = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === 'vary')

    assert.deepEqual(vary, ['Origin, Accept'])
    await choosy.stop()
  })

  it('names downloads', async () => {
    const response = await peer.get(`/ipfs/${page.cid}?filename=${encodeURIComponent('a"tест.txt')}&download=true`)

    assert.equal(
      response.headers.get('content-disposition'), "attachment; filename=\"a_t___.txt\"; filename*=UTF-8''a%22t%D0%B5%D1%81%D1%82.txt"
    )
    assert.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8')
  })

  it('serves documents as they are, shows them to browsers, converts nothing', async () => {
    const document = blockOf(encodeCbor({ link: page.cid, '<i>': 1 }), 0x71)
    const invalid = blockOf(Buffer.from('{"/": broken'), 0x0129)
    peer.blocks.keep(document, invalid)
    const asIs = await peer.get(`/ipfs/${document.cid}`)
    const html = await peer.get(`/ipfs/${document.cid}/`, { headers: { accept: 'text/html' } })
    const markup = await html.text()

    assert.ok(Buffer.from(await asIs.arrayBuffer()).equals(document.bytes))
    assert.deepEqual(
      [asIs.headers.get('content-type'), asIs.headers.get('etag')], ['application/vnd.ipld.dag-cbor', `"${document.cid}.dag-cbor"`]
    )
    assert.match(markup, new RegExp(`href="/ipfs/${page.cid}"`))
    assert.ok(!markup.includes('<i>'))
    assert.match(html.headers.get('etag') ?? '', /^"DagIndex-/)
    assert.ok(!(html.headers.get('cache-control') ?? '').includes('immutable'))
    assert.equal((await peer.get(`/ipfs/${document.cid}`, { headers: { accept: 'text/html' } })).status, 301)
    assert.equal((await peer.get(`/ipfs/${document.cid}?format=dag-json`)).status, 406)
    assert.equal((await peer.get(`/ipfs/${folder.cid}?format=dag-json`)).status, 406)
    assert.equal((await peer.get(`/ipfs/${document.cid}/%3Ci%3E`)).status, 501)
    assert.equal((await peer.get(`/ipfs/${invalid.cid}`)).status, 500)
    assert.equal(await (await peer.get(`/ipfs/${document.cid}/link`)).text(), '0123456789')
  })

  it('makes tar archives, and refuses names that leave the root', async () => {
    const outside = pb(new UnixFS({ type: 'directory' }), [page], ['../../x'])
    const inside = pb(new UnixFS({ type: 'directory' }), [page], ['a/../b'])
    peer.blocks.keep(outside, inside)
    const good = await peer.get(`/ipfs/${inside.cid}?format=tar`)

    assert.match(Buffer.from(await good.arrayBuffer()).toString('latin1'), new RegExp(`${inside.cid}/b\\0`))
    assert.deepEqual([good.headers.get('content-type'), good.headers.get('etag')], ['application/x-tar', `W/"${inside.cid}.x-tar"`])
    assert.equal((await peer.get(`/ipfs/${outside.cid}?format=tar`)).status, 422)
    assert.equal((await peer.get(`/ipfs/${blockOf(encodeCbor(1), 0x71).cid}?format=tar`)).status, 400)
  })

  it('answers odd UnixFS with a reason, never 500 and never without an end', async () => {
    const noFanout = pb(new UnixFS({ type: 'hamt-sharded-directory', fanout: 0n, hashType: 0x22n }))
    const noSizes = pb(new UnixFS({ type: 'file' }), [page])
    const wrongSize = pb(new UnixFS({ type: 'file', blockSizes: [99n] }), [page])
    const metadata = pb(new UnixFS({ type: 'metadata' }))
    const noUnixFs = blockOf(encodePb(prepare({ Links: [] })), 0x70)
    const noPb = blockOf(Buffer.from('garbage'), 0x70)
    const unknown = blockOf(Buffer.from('?'), 0x3f42)
    peer.blocks.keep(noFanout, noSizes, wrongSize, metadata, noUnixFs, noPb, unknown)

    for (const { cid } of [noFanout, noSizes, metadata, noUnixFs, noPb, unknown]) {
      for (const path of [
        `/ipfs/${cid}`, `/ipfs/${cid}/`, `/ipfs/${cid}/name`, `/ipfs/${cid}?format=tar`, `/ipfs/${cid}?format=car&dag-scope=entity`,
        `/ipfs/${cid}?format=raw`
      ]) {
        const response = await peer.get(path)
        await response.arrayBuffer().catch(() => {})
        assert.ok(response.status < 500 || response.status === 501, `${path}: ${response.status}`)
        if (response.status >= 400) assert.equal(response.headers.get('cache-control'), null, path)
      }
    }
    assert.equal((await peer.get(`/ipfs/${wrongSize.cid}?filename=x.bin`)).status, 422)
  })

  for (const path of [
    '/ipfs', '/ipfs/', '/ipfs//', '/ipfs/%', '/ipfs/%zz', '/ipfs/%00', '/ipfs/Qm', '/ipfs/bafy', '/ipns/', '/ipld/x', '/x', '//',
    '/ipfs/../x', `/ipfs/${'a'.repeat(9000)}`, `/ipfs/bafkqaaa/${'x/'.repeat(2000)}`, '/ipfs/bafkqaaa/%ff'
  ]) {
    it(`answers 4xx with a reason to ${path.slice(0, 40)}`, async () => {
      const answer = await raw(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`)

      assert.match(answer, /^HTTP\/1\.1 4\d\d /)
      assert.doesNotMatch(answer, /^cache-control:/im)
      assert.ok((answer.split('\r\n\r\n')[1] ?? '').length > 5)
    })
  }

  for (const [what, head] of [['an Accept header without an end', `Accept: ${'a,'.repeat(4000)}`], [
    'an If-None-Match without an end', `If-None-Match: ${'"x",'.repeat(3000)}`
  ], ['a host that is none', 'Host: <script>'], ['no host', 'Host:'],
    ['a host of a host', `Host: ${'a.'.repeat(500)}ipfs.localhost`]] as const) {
    it(`answers ${what}`, async () => {
      const answer = await raw(
        `GET /ipfs/${page.cid} HTTP/1.1\r\n${head.startsWith('Host') ? '' : 'Host: x\r\n'}${head}\r\nConnection: close\r\n\r\n`
      )

      assert.match(answer, /^HTTP\/1\.1 (200|400) /)
      assert.ok(!answer.includes('<script>'))
    })
  }

  it('tells caches that the form of an answer depends on Accept, unless the URL says it', async () => {
    const vary = async (query: string, accept = '*/*'): Promise<string | null> => (
      await peer.get(`/ipfs/${page.cid}${query}`, { method: 'HEAD', headers: { accept } })
    ).headers.get('vary')

    assert.deepEqual([await vary(''), await vary('', 'application/vnd.ipld.raw'), await vary('?format=raw')], ['Accept', 'Accept', null])
  })

  it('refuses workers that would own a whole host', async () => {
    const worker = { headers: { 'service-worker': 'script' } }

    assert.equal((await peer.get(`/ipfs/${page.cid}`, worker)).status, 400)
    assert.equal((await peer.get(`/ipfs/${folder.cid}/a%20b`, worker)).status, 200)
  })

  it('breaks off an answer that gets longer or shorter than its head says', { timeout: quietMs(5000) }, async () => {
    for (const size of [3999, 4001]) {
      const wrong = await gatewayPeer({}, {
        reader: { ...testReader, readFile: async function * () { for (const bytes of [3000, size - 3000]) yield new Uint8Array(bytes) } }
      })
      wrong.blocks.keep(large, ...leaves)
      try {
        await assert.rejects(wrong.get(`/ipfs/${large.cid}?filename=x.bin`).then(async response => response.arrayBuffer()))
      } finally {
        await wrong.stop()
      }
    }
  })

  it('says of a page that was made here how long it may be kept, when it is asked for again, too', async () => {
    const first = await peer.get(`/ipfs/${folder.cid}/`)
    const again = await peer.get(`/ipfs/${folder.cid}/`, { headers: { 'if-none-match': first.headers.get('etag') ?? '' } })

    assert.equal(again.status, 304)
    assert.equal(again.headers.get('cache-control'), first.headers.get('cache-control'))
    assert.doesNotMatch(first.headers.get('cache-control') ?? '', /immutable/)
  })

  it('answers HEAD as GET where content can not be had in a form', async () => {
    const odd = pb(new UnixFS({ type: 'metadata', data: Buffer.from('x') }))
    const absent = await rawBlock('not kept')
    const [withOdd, withAbsent] = [await directoryBlock({ odd }), await directoryBlock({ absent })]
    peer.blocks.keep(odd, withOdd, withAbsent)
    for (
      const [path, status] of [
        [`${withOdd.cid}?format=tar`, 400], [`${withAbsent.cid}?format=tar`, 404], [`${withAbsent.cid}?format=car`, 404]
      ] as const
    ) {
      for (const method of ['GET', 'HEAD']) assert.equal((await peer.get(`/ipfs/${path}`, { method })).status, status, `${method} ${path}`)
    }
  })

  it('tells every origin that it may read, and sets no cookie', async () => {
    for (const init of [{}, { method: 'OPTIONS' }, { method: 'HEAD' }]) {
      const { headers, status } = await peer.get(`/ipfs/${page.cid}`, init)
      assert.equal(status, 200)
      assert.equal(headers.get('access-control-allow-origin'), '*')
      assert.equal(headers.get('access-control-allow-methods'), 'GET, HEAD, OPTIONS')
      assert.equal(headers.get('set-cookie'), null)
    }
  })

  it('answers 504 with Retry-After when a block does not come in time, and 429 when it has too much to do', async () => {
    const clock = new SimClock()
    const busy = await gatewayPeer({ maxRequests: 1, firstBlockMs: 30_000 }, { clock })
    busy.blocks.elsewhere = 'silent'
    try {
      const first = busy.get(`/ipfs/${page.cid}`)
      while (busy.blocks.read.length === 0) await new Promise(resolve => setImmediate(resolve))
      const second = await busy.get(`/ipfs/${page.cid}`)
      await clock.advance(30_000)
      const answer = await first

      assert.deepEqual([answer.status, answer.headers.get('retry-after'), answer.headers.get('cache-control')], [504, '30', null])
      assert.match(await answer.text(), /did not come within 30 s/)
      assert.equal(second.status, 429)
    } finally {
      await busy.stop()
    }
  })
})
