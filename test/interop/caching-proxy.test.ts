import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { encode as encodeCbor } from '@ipld/dag-cbor'
import { CID } from 'multiformats/cid'
import type { Block } from '../../src/blockstore/blockstore.ts'
import { directoryBlock, fileBlock, rawBlock } from '../support/unixfs-blocks.ts'
import { blockOf } from '../support/blocks.ts'
import { denyLists } from '../support/deny-lists.ts'
import type { DenyLists } from '../support/deny-lists.ts'
import { gatewayPeer } from '../support/gateway-peer.ts'
import type { GatewayPeer } from '../support/gateway-peer.ts'
import { memoryNames } from '../support/memory-names.ts'
import { cachingProxy, nginxProgram } from '../support/nginx.ts'
import type { CachingProxy } from '../support/nginx.ts'

if (nginxProgram == null) it('a caching proxy in front of the gateway', { skip: 'there is no nginx' }, () => {})
else behindNginx(nginxProgram)

function behindNginx (program: string): void {
  describe('nginx as a caching proxy in front of the gateway', { timeout: 60_000 }, () => {
    let peer: GatewayPeer
    let proxy: CachingProxy
    let lists: DenyLists
    let file: Block
    let folder: Block
    let site: Block
    let document: Block
    let broken: Block
    let damaged: Block
    let denied: Block
    let legal: Block
    let reached = 0

    const away = CID.parse('bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4')

    before(async () => {
      const leaves = await Promise.all([1, 2, 3].map(async at => rawBlock(new Uint8Array(300_000).fill(at))))
      file = await fileBlock(leaves)
      folder = await directoryBlock({ file })
      const index = await rawBlock('<!doctype html><title>site</title>')
      site = await directoryBlock({ 'index.html': index })
      document = blockOf(encodeCbor({ a: 1 }), 0x71)
      damaged = blockOf(new Uint8Array([0xff]), 0x70)
      denied = await rawBlock('denied')
      legal = await rawBlock('denied by law')
      const missing = await rawBlock(new Uint8Array(300_000).fill(9))
      broken = await fileBlock([...leaves, missing])
      lists = await denyLists([`/ipfs/${denied.cid}`, `/ipfs/${legal.cid} gateway_status=451`])
      peer = await gatewayPeer(
        { logLine: () => { reached++ }, maxRequests: 8, firstBlockMs: 50 },
        { denylist: lists.denylist, names: memoryNames({ 'name.example': `/ipfs/${folder.cid}` }) }
      )
      peer.blocks.keep(file, ...leaves, folder, index, site, document, broken, damaged)
      proxy = await cachingProxy(program, peer.url)
    })
    after(async () => {
      await proxy?.close()
      await peer?.stop()
      await lists?.close()
    })

    interface Told { status: number, cache: string | null, length: number }

    async function ask (path: string, headers: Record<string, string> = {}): Promise<Told> {
      const response = await fetch(`${proxy.url}${path}`, { headers: { connection: 'close', ...headers }, redirect: 'manual' })
      const { byteLength: length } = await response.arrayBuffer()
      return { status: response.status, cache: response.headers.get('x-cache'), length }
    }

    /** Twice: the status, whether the second answer was kept, and how often the gateway was asked for it. */
    async function twice (path: string, headers?: Record<string, string>): Promise<[status: number, wasKept: boolean, reached: number]> {
      await ask(path, headers)
      const from = reached
      const { status, cache } = await ask(path, headers)
      return [status, cache === 'HIT', reached - from]
    }

    it('keeps what is immutable', async () => {
      const paths = [
        `/ipfs/${file.cid}`, `/ipfs/${folder.cid}/file`, `/ipfs/${folder.cid}/`, `/ipfs/${site.cid}/`, `/ipfs/${document.cid}`,
        `/ipfs/${file.cid}?format=raw`, `/ipfs/${file.cid}?format=car`, `/ipfs/${folder.cid}?format=tar`
      ]

      for (const path of paths) assert.deepEqual(await twice(path), [200, true, 0], path)
    })

    it('keeps the forms of one path apart', async () => {
      const accepts = ['application/vnd.ipld.raw', 'application/vnd.ipld.car', 'text/html', '*/*']
      const lengths: number[] = []
      for (const accept of accepts) {
        await ask(`/ipfs/${document.cid}/`, { accept })
        const { cache, length } = await ask(`/ipfs/${document.cid}/`, { accept })
        assert.equal(cache, 'HIT', accept)
        lengths.push(length)
      }

      assert.equal(new Set(lengths).size, 3)
    })

    for (const [status, what, path, headers] of [
      [400, 'a CID that is none', () => '/ipfs/nonsense'],
      [400, 'a range of blocks that is none', () => `/ipfs/${file.cid}?format=car&entity-bytes=x`],
      [404, 'a name that is not there', () => `/ipfs/${folder.cid}/none`],
      [404, 'a path that is none', () => '/nowhere'],
      [404, 'a name behind a name', () => '/ipns/name.example/none'],
      [404, 'a name that leads nowhere', () => '/ipns/other.example'],
      [404, 'a block that nobody has', () => `/ipfs/${away}`],
      [404, 'a page for browsers', () => `/ipfs/${folder.cid}/none`, { accept: 'text/html' }],
      [406, 'a codec that the block does not have', () => `/ipfs/${file.cid}?format=dag-json`],
      [406, 'a record of what is no name, by Accept', () => `/ipfs/${file.cid}`, { accept: 'application/vnd.ipld.dag-cbor' }],
      [410, 'what is denied', () => `/ipfs/${denied.cid}`],
      [451, 'what is denied by law', () => `/ipfs/${legal.cid}`],
      [412, 'what is not here, if cached', () => `/ipfs/${away}`, { 'cache-control': 'only-if-cached' }],
      [414, 'a path that is too long', () => `/ipfs/${folder.cid}/${'x'.repeat(9000)}`],
      [416, 'a range behind the end', () => `/ipfs/${file.cid}`, { range: 'bytes=9000000-' }],
      [422, 'a block that can not be read', () => `/ipfs/${damaged.cid}/`],
      [501, 'a path into a document', () => `/ipfs/${document.cid}/a`]
    ] as ReadonlyArray<[number, string, () => string, Record<string, string>?]>) {
      it(`never keeps a ${status}: ${what}`, async () => {
        assert.deepEqual(await twice(path(), headers), [status, false, 1])
      })
    }

    it('never keeps a 504', async () => {
      peer.blocks.elsewhere = 'silent'
      try {
        assert.deepEqual(await twice(`/ipfs/${away}?format=raw`), [504, false, 1])
      } finally {
        peer.blocks.elsewhere = 'missing'
      }
    })

    it('never keeps an answer that broke off', async () => {
      for (const format of ['', '?format=car', '?format=tar']) {
        const path = `/ipfs/${broken.cid}${format}`
        await assert.rejects(async () => ask(path), format)
        const from = reached
        await assert.rejects(async () => ask(path), format)

        assert.equal(reached - from, 1, format)
      }
    })

    it('has content again as soon as there is some, where there was an error', async () => {
      const later = await rawBlock('comes later')
      const before = await ask(`/ipfs/${later.cid}`)
      peer.blocks.keep(later)

      assert.deepEqual(
        [before.status, (await ask(`/ipfs/${later.cid}`)).status, await twice(`/ipfs/${later.cid}`)], [404, 200, [200, true, 0]]
      )
    })
  })
}
