import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encode as encodePb, prepare } from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { byteRangesOf } from '../../../../src/api/common/byte-range.ts'
import { hasAlready } from '../../../../src/api/common/conditional.ts'
import { scopeBlocks } from '../../../../src/api/gateway/serve/car-blocks.ts'
import { parseContentPath } from '../../../../src/api/gateway/location/content-path.ts'
import { dagPage } from '../../../../src/api/gateway/pages/dag-page.ts'
import { entryKinds } from '../../../../src/api/gateway/serve/entry-kinds.ts'
import { askedFormat } from '../../../../src/api/gateway/location/formats.ts'
import { canonicalLabel } from '../../../../src/api/gateway/location/hosts.ts'
import { errorPage } from '../../../../src/api/gateway/location/missing-content.ts'
import { parseRedirects } from '../../../../src/api/gateway/location/redirects-file.ts'
import { Resolution } from '../../../../src/api/gateway/location/resolution.ts'
import type { Block } from '../../../../src/blockstore/blockstore.ts'
import { shownHtml } from '../../../../src/http/answer/html.ts'
import { Query } from '../../../../src/http/request/query.ts'
import type { GetBlock } from '../../../../src/ipfs/dag-reader.ts'
import { blockOf } from '../../../support/blocks.ts'
import { testReader } from '../../../support/dag-reader.ts'
import { quietMs } from '../../../support/poll.ts'

const refused = (status: number): object => ({ status })
const leaf = blockOf(Buffer.from('x'))
const page = { cid: leaf.cid, codec: 'dag-cbor', site: { kind: 'path', host: '' }, path: parseContentPath('/ipfs/bafkqaaa') } as const
const times = (text: string, html: string): number => html.split(text).length - 1

describe('the limits of the gateway', { timeout: quietMs(10_000) }, () => {
  it('a path has 8192 characters and 1024 names', () => {
    const withLength = (length: number): string => `/ipfs/bafkqaaa/${'x'.repeat(length - 15)}`
    const withNames = (count: number): string => `/ipfs/bafkqaaa${'/x'.repeat(count)}/`

    assert.equal(parseContentPath(withLength(8192)).names.length, 1)
    assert.throws(() => parseContentPath(withLength(8193)), refused(414))
    assert.equal(parseContentPath(withNames(1024)).names.length, 1024)
    assert.throws(() => parseContentPath(withNames(1025)), refused(400))
  })

  it('an Accept header has 4096 characters', () => {
    const accept = (length: number): string => `${'x'.repeat(length - 25)},application/vnd.ipld.raw`

    assert.equal(askedFormat(new Query(''), accept(4096)).format, 'raw')
    assert.throws(() => askedFormat(new Query(''), accept(4097)), refused(400))
  })

  it('16 ranges of a file are given, more are as none; of 100 tags each counts', () => {
    const ranges = (count: number) =>
      byteRangesOf({ range: `bytes=${Array.from({ length: count }, (_, at) => `${at}-${at}`).join()}` }, { size: 100, etag: '"x"' })
    const tags = (count: number): boolean =>
      hasAlready({ 'if-none-match': [...Array.from({ length: count - 1 }, () => '"y"'), '"x"'].join() }, ['"x"'])

    assert.deepEqual([ranges(16)?.length, ranges(17)], [16, undefined])
    assert.deepEqual([tags(100), tags(101)], [true, false])
  })

  it('a _redirects file has 10,000 rules', () => {
    const rules = (count: number): Uint8Array => Buffer.from('/a /b\n'.repeat(count))

    assert.equal(parseRedirects(rules(10_000)).length, 10_000)
    assert.throws(() => parseRedirects(rules(10_001)), { code: 'INVALID_DATA', message: /more than 10000 rules/ })
  })

  it('a label of a host has 63 characters', () => {
    const cidOf = (digestBytes: number): CID => CID.createV1(0x55, Digest.create(0, new Uint8Array(digestBytes).fill(255)))

    // 62 characters in base 32, then 64, which base 36 makes 60
    assert.deepEqual([34, 35].map(bytes => canonicalLabel('ipfs', cidOf(bytes).toString())?.[0]), ['b', 'k'])
    assert.equal(canonicalLabel('ipfs', cidOf(37).toString())?.length, 63)
    assert.throws(() => canonicalLabel('ipfs', cidOf(38).toString()), refused(400))
  })

  it('a page of a block shows 1000 values, 12 of them in each other, and 4096 characters of each', () => {
    const list = (count: number): string => dagPage({ ...page, value: Array.from({ length: count }, () => 7) })
    const nested = (depth: number): unknown => depth === 0 ? 'QQQ' : [nested(depth - 1)]
    const text = (length: number): string => dagPage({ ...page, value: 'y'.repeat(length) })
    const bytes = (length: number): string => dagPage({ ...page, value: new Uint8Array(length).fill(0xee) })

    // the list itself is one
    assert.deepEqual([times('<code>7</code>', list(999)), times('…', list(999))], [999, 0])
    assert.deepEqual([times('<code>7</code>', list(1000)), times('…', list(1000))], [999, 1])
    assert.deepEqual([times('QQQ', dagPage({ ...page, value: nested(12) })), times('QQQ', dagPage({ ...page, value: nested(13) }))], [1, 0])
    assert.deepEqual(
      [times('y', text(4094)), times('y', text(4095)), times('y', text(9000))].map(count => count - times('y', text(0))), [4094, 4095, 4095]
    )
    assert.deepEqual([times('ee', bytes(2048)), times('ee', bytes(2049))].map(count => count - times('ee', bytes(0))), [2048, 2048])
    assert.equal(times('…', bytes(2049)), 1)
  })

  it('a name on a page has 255 characters', () => {
    assert.deepEqual([shownHtml('x'.repeat(255)), shownHtml('x'.repeat(256))], ['x'.repeat(255), `${'x'.repeat(255)}…`])
  })

  it('of a listing 256 entries are looked at', async () => {
    let looks = 0
    const kindOf = entryKinds({ reader: testReader, peek: async () => { looks++; return undefined } })
    const entry = { name: 'x', cid: CID.createV1(0x70, leaf.cid.multihash), size: 0 } as unknown as Parameters<typeof kindOf>[0]

    for (let at = 0; at < 300; at++) await kindOf(entry)

    assert.equal(looks, 256)
  })

  it('a page for what is missing is looked for up to 32 levels above', async () => {
    const asked: number[] = []
    const resolution = { resolve: async ({ names }: { names: readonly string[] }) => { asked.push(names.length) } } as unknown as Resolution
    const pageFor = async (levels: number) => errorPage(
      { root: 'x', names: Array.from({ length: levels }, () => 'a') },
      { get: (async () => leaf.bytes) as GetBlock, headers: { accept: 'text/html' } }, { resolution }
    )

    assert.deepEqual([(await pageFor(32))?.names.length, await pageFor(33), asked], [32, undefined, [32]])
  })

  it('a file in a CAR has 64 levels', async () => {
    const blocks = new Map<string, Uint8Array>([[String(leaf.cid), leaf.bytes]])
    const fileOf = (levels: number): Block => {
      let inner = leaf
      for (let level = 0; level < levels; level++) {
        inner = blockOf(
          encodePb(prepare({
            Data: new UnixFS({ type: 'file', blockSizes: [1n] }).marshal(), Links: [{ Name: '', Hash: inner.cid, Tsize: 1 }]
          })),
          0x70
        )
        blocks.set(String(inner.cid), inner.bytes)
      }
      return inner
    }
    const read = async (levels: number): Promise<number> => {
      let count = 0
      const params = { scope: 'entity', bytes: undefined, repeats: true } as unknown as Parameters<typeof scopeBlocks>[1]
      const room = { tryTake: () => true, give: () => {} }
      for await (
        const _ of scopeBlocks(fileOf(levels), params, {
          reader: testReader, get: async cid => blocks.get(String(cid)) as Uint8Array, room, prefetch: () => undefined
        })
      ) count++
      return count
    }

    // the first node is at level 0
    assert.equal(await read(65), 66)
    await assert.rejects(read(66), { code: 'INVALID_DATA', message: 'the file is nested too deeply' })
  })
})
