import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { encode as encodeCbor } from '@ipld/dag-cbor'
import { encode as encodePb, prepare } from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import { exampleCid } from '../../../../src/api/gateway/pages/front-page.ts'
import type { Block } from '../../../../src/blockstore/blockstore.ts'
import { directoryBlock, fileBlock, rawBlock } from '../../../support/unixfs-blocks.ts'
import { blockOf } from '../../../support/blocks.ts'
import { gatewayPeer } from '../../../support/gateway-peer.ts'
import type { GatewayPeer } from '../../../support/gateway-peer.ts'
import { quietMs } from '../../../support/poll.ts'

let peer: GatewayPeer
let leaf: Block

/** A directory with names that no tool of ours would make. */
const folderOf = (links: ReadonlyArray<readonly [name: string, block: Block, size?: number]>): Block => blockOf(encodePb(prepare({
  Data: new UnixFS({ type: 'directory' }).marshal(), Links: links.map(([Name, { cid }, Tsize = 1]) => ({ Name, Hash: cid, Tsize }))
})), 0x70)

const page = async (
  path: string, headers: Record<string, string> = { accept: 'text/html' }
): Promise<{ status: number, headers: Headers, html: string }> => {
  const response = await peer.get(path, { headers })
  return { status: response.status, headers: response.headers, html: await response.text() }
}

async function listing (...links: Parameters<typeof folderOf>[0]): Promise<string> {
  const folder = folderOf(links)
  peer.blocks.keep(folder)
  return (await page(`/ipfs/${folder.cid}/`)).html
}

/** The rows of a listing: text of the name, its link, the kind, the size. */
const rowsOf = (html: string): string[][] => [
  ...html.matchAll(
    /<tr[^>]*><td>(?:<a href="([^"]*)">)?(.*?)(?:<\/a>)?<\/td><td>(\w*)<\/td><td>.*?<\/td><td title="[^"]*">([^<]*)<\/td><\/tr>/g
  )
]
  .map(([, link = '', name = '', kind = '', size = '']) => [name, link, kind, size])

/** Every inline script and style of a page, as its policy names them. */
const digestsOf = (html: string): string[] =>
  [...html.matchAll(/<(?:style|script)>(.*?)<\/(?:style|script)>/gs)].map(
    ([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  )

describe('pages of the gateway', { timeout: quietMs(20_000) }, () => {
  before(async () => {
    peer = await gatewayPeer()
    leaf = await rawBlock('a leaf')
    peer.blocks.keep(leaf)
  })

  after(async () => peer.stop())

  it('tell folders, files, links and data apart where the blocks are here, and fetch nothing for it', async () => {
    const [file, sub, away] = [await fileBlock([leaf, leaf]), await directoryBlock({ leaf }), await directoryBlock({ away: leaf })]
    const link = blockOf(encodePb(prepare({ Data: new UnixFS({ type: 'symlink', data: Buffer.from('x') }).marshal(), Links: [] })), 0x70)
    const document = blockOf(encodeCbor({}), 0x71)
    peer.blocks.keep(file, sub, link, document)
    peer.blocks.elsewhere = 'silent'
    const html = await listing(
      ['away', away], ['document', document], ['file', file, 4_700_000_000], ['leaf', leaf, 6], ['link', link], ['sub', sub, 1536]
    )
    peer.blocks.elsewhere = 'missing'

    assert.deepEqual(rowsOf(html).map(([name, , kind, size]) => [name, kind, size]), [
      ['away', '', '1 B'], ['document', 'data', '1 B'], ['file', 'file', '4.4 GiB'], ['leaf', 'file', '6 B'], ['link', 'link', '1 B'],
      ['sub', 'folder', '1.5 KiB']
    ])
  })

  it('look at a bounded number of blocks for the kinds', async () => {
    const sub = await directoryBlock({ deeper: leaf })
    peer.blocks.keep(sub)
    const links = Array.from({ length: 1000 }, (_, at) => [`folder ${at}`, sub] as const)

    const kinds = rowsOf(await listing(...links)).map(([, , kind]) => kind)

    assert.deepEqual([kinds.length, kinds.filter(kind => kind === 'folder').length], [1000, 256])
  })

  it('escape what names hold, and spell out what can not be seen', async () => {
    const html = await listing(
      ['<script>alert(1)</script>', leaf], ['"onmouseover="x', leaf], ['a\u202egpj.exe', leaf], ['line\nbreak\0', leaf],
      ["it's & more", leaf]
    )
    const names = rowsOf(html).map(([name]) => name)

    assert.deepEqual(names, [
      '&#34;onmouseover=&#34;x', '&lt;script&gt;alert(1)&lt;/script&gt;', 'a<span class="unseen">U+202E</span>gpj.exe',
      'it&#39;s &amp; more', 'line<span class="unseen">U+000A</span>break<span class="unseen">U+0000</span>'
    ])
    assert.ok(!/[\u202e\0]/.test(html))
  })

  it('leave joiners and right-to-left scripts as they are', async () => {
    const names = ['👩‍💻.txt', 'می‌خواهم', 'שלום']

    assert.deepEqual(rowsOf(await listing(...names.map(name => [name, leaf] as const))).map(([name]) => name).toSorted(), names.toSorted())
  })

  it('link to names that no path leads to by their CID', async () => {
    const html = await listing(['', leaf], ['.', leaf], ['..', leaf], ['a/b', leaf], ['x'.repeat(5000), leaf])
    const rows = rowsOf(html)

    assert.deepEqual(rows.map(([, link = '']) => link.replace(/\?.*/, '')), Array.from({ length: 5 }, () => `/ipfs/${leaf.cid}`))
    assert.equal(rows[0]?.[0], '<i>no name</i>')
    assert.ok(rows.every(([name = '', link = '']) => name.length < 300 && link.length < 2000))
    for (const [, link = ''] of rows) assert.equal(await (await peer.get(link)).text(), 'a leaf')
  })

  it('have no link upwards at the root of a CID, and one below it', async () => {
    const outer = await directoryBlock({ 'in ner': folderOf([['x', leaf]]) })
    peer.blocks.keep(folderOf([['x', leaf]]), outer)

    assert.ok(!(await page(`/ipfs/${outer.cid}/`)).html.includes('>..</a>'))
    assert.ok((await page(`/ipfs/${outer.cid}/in%20ner/`)).html.includes(`<a href="/ipfs/${outer.cid}/in%20ner/..">..</a>`))
  })

  it('offer a folder as tar and CAR', async () => {
    const folder = folderOf([['x', leaf]])
    const { html } = await page(`/ipfs/${folder.cid}/`)

    for (const format of ['tar', 'car']) {
      assert.ok(html.includes(`href="?format=${format}"`))
      assert.equal((await peer.get(`/ipfs/${folder.cid}/?format=${format}`)).status, 200)
    }
  })

  it('list a folder in which index.html is a folder, too', async () => {
    const sub = folderOf([['x', leaf]])
    peer.blocks.keep(sub)

    assert.deepEqual(rowsOf(await listing(['index.html', sub])).map(([name]) => name), ['index.html'])
  })

  it('run no script but their own, whatever a policy for content says', async () => {
    const folder = folderOf([['x', leaf]])
    const document = blockOf(encodeCbor({ '<script>': leaf.cid }), 0x71)
    peer.blocks.keep(folder, document)
    for (const path of ['/', `/ipfs/${folder.cid}/`, `/ipfs/${document.cid}/`, `/ipfs/${folder.cid}/none`, '/ipfs/nonsense']) {
      const { headers, html } = await page(path)

      const policy = headers.get('content-security-policy') ?? ''
      assert.match(policy, /^default-src 'none'; /, path)
      assert.deepEqual(digestsOf(html).filter(digest => !policy.includes(digest)), [], path)
      assert.ok(!/ on\w+=|style="|javascript:/.test(html), path)
    }
  })

  it('keep their policy when a browser has them already', async () => {
    const folder = folderOf([['x', leaf]])
    const { headers } = await page(`/ipfs/${folder.cid}/`)

    const again = await page(`/ipfs/${folder.cid}/`, { 'if-none-match': headers.get('etag') ?? '' })

    assert.deepEqual([again.status, again.headers.get('content-security-policy')], [304, headers.get('content-security-policy')])
  })

  it('give the first rows while the rest is still to come, and break off when it does not come', async () => {
    const shard = (links: Array<[string, Block]>): Block => blockOf(encodePb(prepare({
      Data: new UnixFS({ type: 'hamt-sharded-directory', fanout: 256n, hashType: 0x22n, data: new Uint8Array([3]) }).marshal(),
      Links: links.map(([Name, { cid }]) => ({ Name, Hash: cid, Tsize: 1 }))
    })), 0x70)
    const folder = shard([['00first', leaf], ['01', shard([['00second', leaf]])]])
    peer.blocks.keep(folder)
    peer.blocks.elsewhere = 'silent'
    const response = await peer.get(`/ipfs/${folder.cid}/`)
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.includes('first</a>')) text += (await reader?.read())?.value ?? assert.fail('the page ended')

    assert.ok(!text.includes('</html>'))
    await reader?.cancel()
    peer.blocks.elsewhere = 'missing'
  })

  it('say what went wrong and what to do, to browsers only', async () => {
    const folder = folderOf([['x', leaf]])
    peer.blocks.keep(folder)
    for (
      const [path, status] of [
        [`/ipfs/${folder.cid}/%3Cb%3E`, 404], ['/ipfs/nonsense', 400], [`/ipfs/${leaf.cid}?format=dag-json`, 406], ['/elsewhere', 404]
      ] as const
    ) {
      const shown = await page(path)
      const plain = await page(path, {})

      assert.deepEqual([shown.status, plain.status], [status, status])
      assert.match(shown.html, new RegExp(`<h1>${status} [A-Z].*</h1>\n<p>.+</p>\n<p>.+</p>`))
      assert.equal(plain.headers.get('content-type'), 'text/plain; charset=utf-8')
      assert.match(plain.html, /^[^<\n]*\n$|"<b>"/)
      assert.ok(!shown.html.includes('<b>'))
      for (const { headers } of [shown, plain]) assert.deepEqual([headers.get('cache-control'), headers.get('etag')], [null, null])
    }
  })

  it('begin with one that has something to try', async () => {
    const { html, headers } = await page('/')
    const [, link = ''] = /href="([^"]+)"/.exec(html) ?? []

    assert.equal(link, `/ipfs/${exampleCid}`)
    assert.equal(await (await peer.get(link)).text(), 'hello world')
    assert.equal(headers.get('cache-control'), 'no-cache')
    // what its form sends
    assert.equal((await peer.get(`/ipfs/?uri=${encodeURIComponent(`ipfs://${leaf.cid}/`)}`)).headers.get('location'), `/ipfs/${leaf.cid}/`)
  })

  it('offer only what can be checked where nothing else is served', async () => {
    const trustless = await gatewayPeer({ deserialized: false })
    const html = await (await trustless.get('/')).text()

    for (const [, link = ''] of html.matchAll(/href="([^"]+)"/g)) assert.equal((await trustless.get(link)).status, 200, link)
    assert.ok(!html.includes('<form'))
    await trustless.stop()
  })
})
