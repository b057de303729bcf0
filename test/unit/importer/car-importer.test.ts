import assert from 'node:assert/strict'
import { CarWriter } from '@ipld/car'
import { encode as encodeCbor } from '@ipld/dag-cbor'
import { encode as encodeDagPb } from '@ipld/dag-pb'
import { CID } from 'multiformats/cid'
import * as Digest from 'multiformats/hashes/digest'
import { describe, it } from 'node:test'
import type { Block } from '../../../src/blockstore/blockstore.ts'
import type { ImportedCar } from '../../../src/importer/importer.ts'
import { inPieces } from '../../support/add-vectors.ts'
import { blockOf, identityCid, numberedBlocks } from '../../support/blocks.ts'
import { importCar, KeepingSink } from '../../support/imports.ts'
import { quietMs } from '../../support/poll.ts'

async function carOf (roots: CID[], blocks: Block[]): Promise<Buffer> {
  const { writer, out } = CarWriter.create(roots)
  const collecting = Array.fromAsync(out)
  for (const block of blocks) await writer.put(block)
  await writer.close()
  return Buffer.concat(await collecting)
}

const read = async (car: Uint8Array, { pieceBytes = 65536, sink = new KeepingSink() } = {}): Promise<ImportedCar> =>
  await importCar(inPieces(car, pieceBytes), sink, {})

function header (value: unknown): Buffer {
  const bytes = encodeCbor(value)
  return Buffer.concat([Buffer.of(bytes.length), bytes])
}

function varint (value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Buffer.from([...bytes, rest])
}

const one = blockOf(Buffer.from('block one\n'))
const cbor = blockOf(encodeCbor({ link: one.cid }), 0x71)
const strange = blockOf(Buffer.from('{}'), 0x0129)
const unixfsFile = blockOf(encodeDagPb({ Data: Uint8Array.of(0x08, 0x02, 0x12, 0x03, 0x61, 0x62, 0x63, 0x18, 0x03), Links: [] }), 0x70)

describe('CAR import', () => {
  for (const pieceBytes of [1, 1000, 1 << 20]) {
    it(`writes blocks of every codec as they are, in pieces of ${pieceBytes}`, async () => {
      const sink = new KeepingSink()
      const blocks = [cbor, one, strange, ...numberedBlocks(3, 40_000)]

      const result = await read(await carOf([cbor.cid], blocks), { pieceBytes, sink })

      assert.deepEqual(sink.cids, blocks.map(({ cid }) => String(cid)))
      for (const [i, { bytes }] of blocks.entries()) assert.ok(Buffer.from(bytes).equals(sink.blocks[i]?.bytes ?? new Uint8Array(0)))
      assert.equal(String(result.roots), String(cbor.cid))
      assert.equal(result.bytes, blocks.reduce((sum, { bytes }) => sum + bytes.length, 0))
    })
  }

  it('refuses a CAR without the block of its root where that is wanted, and takes it else, as Go does', async () => {
    const lacking = await carOf([unixfsFile.cid], [one])

    await assert.rejects(importCar(inPieces(lacking, 100), new KeepingSink(), { needsRoot: true }), {
      code: 'INVALID_ARGUMENT', message: `the CAR has no block of its root ${String(unixfsFile.cid)}`
    })
    await importCar(inPieces(await carOf([one.cid], [one]), 100), new KeepingSink(), { needsRoot: true })
    assert.equal(String((await read(lacking)).roots), String(unixfsFile.cid))
  })

  it('states the file size when the root is a UnixFS file in the CAR', async () => {
    assert.equal((await read(await carOf([unixfsFile.cid], [unixfsFile]))).size, 3)
    assert.equal((await read(await carOf([unixfsFile.cid], [one]))).size, 0)
  })

  it('takes identity blocks', async () => {
    const cid = identityCid('tiny')

    const result = await read(await carOf([cid], [{ cid, bytes: Buffer.from('tiny') }]))

    assert.equal(result.bytes, 4)
  })

  it('refuses a block that is not what its CID says, after writing those before', async () => {
    const sink = new KeepingSink()
    const car = await carOf([one.cid], [...numberedBlocks(200, 16_384), { cid: one.cid, bytes: Buffer.from('block two\n') }])

    await assert.rejects(read(car, { sink }), err => {
      assert.equal((err as { code: string }).code, 'INVALID_ARGUMENT')
      assert.match((err as Error).message, new RegExp(`^mismatch in content integrity, name: ${String(one.cid)}, data: bafkrei`))
      return true
    })
    assert.ok(sink.blocks.length >= 128)
  })

  it('refuses a hash that it has no function for', async () => {
    const unknown = CID.createV1(0x55, Digest.create(0x1012, new Uint8Array(32)))

    await assert.rejects(
      read(await carOf([unknown], [{ cid: unknown, bytes: Buffer.from('x') }])),
      { message: 'unknown multihash code 4114 (0x1012): no such hash registered' }
    )
  })

  it('fails as with Kubo for digests that are too short to mean anything', async () => {
    const sink = new KeepingSink()
    const short = (length: number): Block => ({
      cid: CID.createV1(0x55, Digest.create(0x12, one.cid.multihash.digest.slice(0, length))), bytes: one.bytes
    })

    await assert.rejects(
      read(await carOf([one.cid], [short(0), short(19)]), { sink }),
      { code: 'IPFS_ERROR', message: 'failed to put block on all destinations' }
    )
    assert.deepEqual(sink.blocks, [])
    assert.equal((await read(await carOf([one.cid], [short(20)]))).bytes, one.bytes.length)
  })

  it("refuses roots and versions with Go's texts", async () => {
    await assert.rejects(read(await carOf([one.cid, cbor.cid], [one])), { message: 'only CAR files with a single root are supported' })
    await assert.rejects(read(header({ version: 1, roots: [] })), { message: 'empty car, no roots' })
    await assert.rejects(read(header({ version: 2, roots: [one.cid] })), { message: 'invalid car version: 2' })
    await assert.rejects(read(header({ version: 1, roots: ['x'] })), { code: 'INVALID_ARGUMENT' })
    await assert.rejects(read(header(null)), { code: 'INVALID_ARGUMENT' })
  })

  it('refuses a CAR without blocks before anything is written', async () => {
    await assert.rejects(read(await carOf([one.cid], [])), {
      code: 'INVALID_ARGUMENT', message: 'empty car, no blocks', details: { empty: true }
    })
  })

  it('refuses what ends too early at any byte, garbage, and sections that are too large', async () => {
    const car = await carOf([one.cid], [one])

    const ends = [1, 10, 58, car.length - 11, car.length - 1]
    for (const end of ends) await assert.rejects(read(car.subarray(0, end)), { code: 'INVALID_ARGUMENT', message: 'unexpected EOF' })
    await assert.rejects(read(new Uint8Array(0)), { code: 'INVALID_ARGUMENT', message: 'EOF' })
    await assert.rejects(read(Buffer.from('hello, this is not a CAR')), { code: 'INVALID_ARGUMENT', message: 'unexpected EOF' })
    await assert.rejects(read(Buffer.from(`\x10${'z'.repeat(100)}`)), { code: 'INVALID_ARGUMENT' })
    await assert.rejects(
      read(Buffer.concat([car, Buffer.of(0xff, 0xff, 0xff, 0xff, 0x7f)])),
      { code: 'INVALID_ARGUMENT', message: 'a section of the CAR is too large' }
    )
    await assert.rejects(read(Buffer.alloc(20, 0xff)), { code: 'INVALID_ARGUMENT' })
  })

  it('ends at a section without length, as for ipfs-cluster 1.1.6: padding is no fault', async () => {
    const car = await carOf([one.cid], [one])

    for (const behind of [Buffer.alloc(1), Buffer.alloc(3000), Buffer.from('\0hello')]) {
      assert.equal(String((await read(Buffer.concat([car, behind]))).roots), String(one.cid))
    }
  })

  it('refuses dag-pb and dag-cbor that is none, which nobody could pin', async () => {
    for (const broken of [blockOf(Buffer.from([0x12, 0x7f, 1]), 0x70), blockOf(Buffer.from([0xa1, 1]), 0x71)]) {
      await assert.rejects(
        read(await carOf([one.cid], [one, broken])), { code: 'INVALID_ARGUMENT', message: /^block \w+ can't be decoded: / }
      )
    }
  })

  it('ends its content when the sink fails or the signal aborts', async () => {
    const car = await carOf([one.cid], numberedBlocks(500))
    let closed = 0
    async function * content (): AsyncGenerator<Uint8Array> {
      try { yield * inPieces(car, 1000) } finally { closed++ }
    }

    await assert.rejects(importCar(content(), { write: async () => { throw new Error('disk full') } }, {}), { message: 'disk full' })
    await assert.rejects(importCar(content(), new KeepingSink(), { signal: AbortSignal.abort(new Error('enough')) }), { message: 'enough' })
    assert.equal(closed, 1) // the second never began
  })

  describe('its header', { timeout: quietMs(5000) }, () => {
    /** With so many bytes in all. */
    const headerOf = (size: number): Buffer => {
      const rest = encodeCbor({ roots: [one.cid], version: 1, x: new Uint8Array(70_000) }).length - 70_000
      const bytes = encodeCbor({ roots: [one.cid], version: 1, x: new Uint8Array(size - rest) })
      assert.equal(bytes.length, size)
      return Buffer.concat([varint(size), bytes])
    }
    const section = Buffer.concat([varint(one.cid.bytes.length + one.bytes.length), one.cid.bytes, one.bytes])

    it('may have 256 KiB, and no more', async () => {
      const most = 256 * 1024

      assert.equal(String((await read(Buffer.concat([headerOf(most), section]))).roots), String(one.cid))
      await assert.rejects(
        read(Buffer.concat([headerOf(most + 1), section])), { code: 'INVALID_ARGUMENT', message: 'the header of the CAR is too large' }
      )
    })

    it('may have so many values, and neither more nor nested ones', async () => {
      const headed = (value: unknown): Buffer => {
        const bytes = encodeCbor(value)
        return Buffer.concat([varint(bytes.length), bytes, section])
      }
      // beside the zeros: the map, three keys, the list of roots, a tag, its bytes, the version, the list
      const most = 20_000 - 9
      const nested = (depth: number): unknown => depth === 0 ? 0 : [nested(depth - 1)]

      for (const x of [Array.from({ length: most }, () => 0), nested(7)]) await read(headed({ roots: [one.cid], version: 1, x }))
      for (const x of [Array.from({ length: most + 1 }, () => 0), nested(8)]) {
        await assert.rejects(
          read(headed({ roots: [one.cid], version: 1, x })), { code: 'INVALID_ARGUMENT', message: /^invalid header: more than/ }
        )
      }
    })
  })

  it('takes sections of up to 8 MiB, and refuses a longer one as soon as it says so, before any of it is read', async () => {
    const most = 8 * 1024 * 1024
    const large = blockOf(new Uint8Array(most - one.cid.bytes.length).fill(7))
    const sink = new KeepingSink()
    let read = 0
    const announced = async function * (): AsyncGenerator<Uint8Array> {
      yield Buffer.concat([await carOf([one.cid], [one]), varint(most + 1)])
      for (;;) {
        read++
        yield new Uint8Array(1024 * 1024)
      }
    }

    await importCar(inPieces(await carOf([large.cid], [large]), 1024 * 1024), sink, {})
    assert.deepEqual(sink.cids, [String(large.cid)])
    await assert.rejects(
      importCar(announced(), new KeepingSink(), {}),
      { code: 'INVALID_ARGUMENT', message: 'a section of the CAR is too large', details: { length: most + 1 } }
    )
    assert.equal(read, 0)
  })

  it('gives others their turn between many tiny blocks, also when they are stored at once', { timeout: quietMs(10_000) }, async () => {
    const blocks = Array.from({ length: 10_000 }, (_, at) => blockOf(Buffer.from(`tiny ${at}`)))
    const car = await carOf([blocks[0]?.cid as CID], blocks)
    let turns = 0
    let isOver = false
    const count = (): void => { turns++; if (!isOver) setImmediate(count) }
    setImmediate(count)

    await read(car, { pieceBytes: car.length })
    isOver = true

    assert.ok(turns >= 100, `${turns} turns`)
  })
})
