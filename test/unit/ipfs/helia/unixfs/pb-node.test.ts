import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decode, encode, prepare } from '@ipld/dag-pb'
import { UnixFS } from 'ipfs-unixfs'
import { CID } from 'multiformats/cid'
import { findEntry, listEntries, readNode } from '../../../../../src/ipfs/helia/unixfs/directory.ts'
import { PbNode } from '../../../../../src/ipfs/helia/unixfs/pb-node.ts'
import { rawBlock } from '../../../../support/unixfs-blocks.ts'
import { blockOf } from '../../../../support/blocks.ts'
import { SeededRandom } from '../../../../support/sim-clock.ts'

const { cid } = await rawBlock('entry')
const cidV0 = CID.createV0(cid.multihash as never)
const directory = new UnixFS({ type: 'directory' }).marshal()
const bytesOf = (...parts: Array<number | Uint8Array | string>): Uint8Array =>
  Buffer.concat(parts.map(part => typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part as Uint8Array)))
const field = (tag: number, ...parts: Array<number | Uint8Array | string>): Uint8Array => {
  const value = bytesOf(...parts)
  return bytesOf(tag, value.length, value)
}
const hash = field(0x0a, cid.bytes)
const name = field(0x12, 'a')
const size = bytesOf(0x18, 1)

describe('a dag-pb node that is read where it is needed', () => {
  it('has the links and the data that the library reads', () => {
    const random = new SeededRandom(7)
    for (let round = 0; round < 200; round++) {
      const links = Array.from({ length: Math.floor(random.float() * 6) }, (_, at) => ({
        Hash: random.float() < 0.5 ? cid : cidV0,
        ...random.float() < 0.2 ? {} : { Name: `${at}${'é'.repeat(Math.floor(random.float() * 80))}` },
        ...random.float() < 0.2 ? {} : { Tsize: Math.floor(random.float() * 2 ** 45) }
      }))
      const bytes = encode(prepare({
        Links: links, ...random.float() < 0.2 ? {} : { Data: random.bytes(Math.floor(random.float() * 300)) }
      }))
      const [node, expected] = [new PbNode(bytes), decode(bytes)]

      assert.deepEqual([...node.links()], expected.Links)
      assert.deepEqual([node.linkCount, node.data], [expected.Links.length, expected.Data])
      for (const { Name } of expected.Links) {
        if (Name != null) assert.deepEqual(node.find(Name), expected.Links.find(link => link.Name === Name))
      }
      assert.equal(node.find('nobody'), undefined)
    }
  })

  it('finds the first of several links of a name, also a name that is not UTF-8', () => {
    const odd = Buffer.from([0x66, 0xff])
    const bytes = bytesOf(
      field(0x12, hash, name, size), field(0x12, field(0x0a, cidV0.bytes), name), field(0x12, hash, field(0x12, odd), bytesOf(0x18, 9))
    )

    const node = new PbNode(bytes)

    assert.equal(node.find('a')?.Hash.toString(), cid.toString())
    assert.equal(node.find('f\udcff')?.Tsize, 9)
    assert.equal(node.find('f\ufffd'), undefined)
    assert.equal(node.find('f'), undefined)
  })

  it('may have its data before its links, but not between them', () => {
    const [data, link] = [field(0x0a, directory), field(0x12, hash)]

    assert.equal(new PbNode(bytesOf(data, link, link)).linkCount, 2)
    assert.throws(() => new PbNode(bytesOf(link, data, link)))
  })

  for (const [what, bytes] of Object.entries({
    'a link without a hash': field(0x12, name),
    'fields of a link in another order': field(0x12, name, hash),
    'a field of a link twice': field(0x12, hash, name, name),
    'an unknown field of a link': field(0x12, hash, bytesOf(0x20, 1)),
    'an unknown field': bytesOf(0x18, 1),
    'data twice': bytesOf(field(0x0a), field(0x0a)),
    'a link that is cut off': field(0x12, hash, name).subarray(0, 20),
    'a name that is longer than its link': field(0x12, hash, bytesOf(0x12, 100, 'a')),
    'a number that is cut off': bytesOf(0x12, 0x80)
  })) {
    it(`is none with ${what}, as for the library`, () => {
      assert.throws(() => decode(bytes))
      assert.throws(() => new PbNode(bytes))
    })
  }

  it('tells a hash that is no CID when that link is read', async () => {
    const block = blockOf(
      bytesOf(field(0x12, hash, name), field(0x12, field(0x0a, 'no CID'), field(0x12, 'b')), field(0x0a, directory)), 0x70
    )
    const get = async (): Promise<Uint8Array> => block.bytes

    assert.equal((await findEntry(block.cid, 'a', get))?.toString(), cid.toString())
    await assert.rejects(findEntry(block.cid, 'b', get), { code: 'INVALID_DATA' })
    const node = await readNode(block.cid, get)
    const names: string[] = []
    await assert.rejects(async () => { for await (const { name } of listEntries(node, get)) names.push(name) }, { code: 'INVALID_DATA' })
    assert.deepEqual(names, ['a'])
  })

  it('costs a large directory one reading of its block, and one name no objects for the others', async () => {
    const link = (at: number): Uint8Array => field(0x12, hash, field(0x12, `name ${String(at).padStart(6, '0')}`), size)
    const block = blockOf(bytesOf(...Array.from({ length: 100_000 }, (_, at) => link(at)), field(0x0a, directory)), 0x70)
    let reads = 0
    const get = async (): Promise<Uint8Array> => {
      reads++
      return block.bytes
    }

    const node = await readNode(block.cid, get)
    const index = await findEntry(node, 'index.html', get)
    const last = await findEntry(node, 'name 099999', get)
    let count = 0
    for await (const { name } of listEntries(node, get)) {
      if (name === `name ${String(count).padStart(6, '0')}`) count++
      if (count === 1000) break
    }

    assert.deepEqual([index, last?.toString(), count, reads], [undefined, cid.toString(), 1000, 1])
  })
})
