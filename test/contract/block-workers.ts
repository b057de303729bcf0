import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { crc32 } from 'node:zlib'
import { CarWriter } from '@ipld/car'
import { CID } from 'multiformats/cid'
import { isClusterError } from '../../src/base/errors.ts'
import { giveBack } from '../../src/base/lent-memory.ts'
import type { Block } from '../../src/blockstore/blockstore.ts'
import type { BlockWorkers, LeafFormat, OwnBytes } from '../../src/importer/block-workers.ts'
import { carImporter } from '../../src/importer/car-importer.ts'
import { leafStream } from '../../src/importer/leaf-stream.ts'
import type { CarImporter, Importer, ImportOptions } from '../../src/importer/importer.ts'
import { unixfsImporter } from '../../src/importer/unixfs-importer.ts'
import type { UploadEntry } from '../../src/model/add.ts'
import { dagParams, fileEntry, inPieces, sha256Counter } from '../support/add-vectors.ts'
import { blockOf, numberedBlocks } from '../support/blocks.ts'
import { eachOf, importCar, importEntries, KeepingSink, showOutput } from '../support/imports.ts'

export interface WorkersUnderTest { workers: BlockWorkers, close: () => Promise<void> }

const format: LeafFormat = { chunker: 'size-1000', hash: 'sha2-256', cidVersion: 1, rawLeaves: true, layout: '' }
const own = (bytes: Uint8Array): OwnBytes => {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy as OwnBytes
}

const longContent = sha256Counter('contract', 2_300_001)
/** What takes several jobs; less where it takes long. */
function contentOf ({ chunker, hash }: Record<string, string>): Uint8Array {
  if (chunker === 'size-99' || hash === 'identity') return longContent.subarray(0, 150_001)
  return hash?.startsWith('blake') === true ? longContent.subarray(0, 1_200_001) : longContent
}

/** Options that decide about leaves, with files that take several jobs of them. */
const queries: Array<Record<string, string>> = [
  {}, { 'raw-leaves': 'true' }, { 'cid-version': '1' }, { 'cid-version': '1', 'raw-leaves': 'false' },
  { layout: 'trickle' }, { layout: 'trickle', 'raw-leaves': 'true' }, { chunker: 'size-1000' }, { chunker: 'size-1000', layout: 'trickle' },
  { chunker: 'size-1048576' }, { chunker: 'size-1500000', 'raw-leaves': 'true' }, { chunker: 'size-99' },
  { chunker: 'rabin' }, { chunker: 'rabin-4096-8192-16384', 'raw-leaves': 'true' }, { chunker: 'rabin-65536', layout: 'trickle' },
  { chunker: 'buzhash' }, { chunker: 'buzhash', 'cid-version': '1' },
  { hash: 'sha2-512', 'cid-version': '1' }, { hash: 'blake2b-256', 'cid-version': '1', chunker: 'size-65536' },
  { hash: 'blake3', 'cid-version': '1', chunker: 'size-65536' }, { hash: 'sha3-256', 'cid-version': '1', 'raw-leaves': 'false' },
  { hash: 'identity', 'cid-version': '1', chunker: 'size-64' }
]

/** Every implementation holds this. */
export function blockWorkersContract (name: string, make: () => Promise<WorkersUnderTest>): void {
  describe(`block workers: ${name}`, () => {
    let under: WorkersUnderTest
    let threaded: Importer
    let threadedCar: CarImporter
    before(async () => {
      under = await make()
      threaded = unixfsImporter({ largeBytes: 100_000 }, { workers: under.workers })
      threadedCar = carImporter({ largeBytes: 1000 }, under.workers)
    })
    after(async () => under.close())

    for (const query of queries) {
      it(`makes the same blocks in the same order as without: ${JSON.stringify(query)}`, async () => {
        const content = contentOf(query)
        const entries = () => [fileEntry('d/large', content, 60_001), fileEntry('d/small', 'x'), fileEntry('d/large2', content, 1 << 22)]

        const expected = await imported(importEntries, entries(), query)
        const actual = await imported(threaded, entries(), query)

        assert.deepEqual(actual, expected)
      })
    }

    it('makes the same of what is exactly as long as jobs and chunks are, and of files with metadata', async () => {
      for (const sizeBytes of [1 << 20, 2 << 20, 262144, 262145, 100_000]) {
        const content = sha256Counter('exact', sizeBytes)
        const metadata = { mode: 0o644, mtime: { seconds: 1_700_000_000, nanoseconds: 5 } }
        const entries = (): UploadEntry[] => [fileEntry('f', content), { ...fileEntry('g', content), metadata } as UploadEntry]

        assert.deepEqual(await imported(threaded, entries(), {}), await imported(importEntries, entries(), {}), String(sizeBytes))
      }
    })

    it('keeps the order of blocks that shards are made of, and tells progress', async () => {
      const content = sha256Counter('shards', 2_500_000)
      const options = { scratchBlocks: true, progress: true }

      const expected = await imported(importEntries, [fileEntry('f', content)], {}, options)
      const actual = await imported(threaded, [fileEntry('f', content)], {}, options)

      assert.deepEqual(actual, expected)
    })

    it('gives each block the CRC-32 of its bytes', async () => {
      const { result } = await under.workers.leaves({
        format: { ...format, rawLeaves: false }, bytes: own(sha256Counter('c', 5500)), isLast: true
      })

      const { leaves } = await result

      assert.deepEqual(leaves.map(({ fileSize }) => fileSize), [1000, 1000, 1000, 1000, 1000, 500])
      for (const { block } of leaves) assert.equal(block.crc32, crc32(block.bytes))
    })

    it('gives back what is behind the last whole chunk, and the memory when it is free', async () => {
      const bytes = own(sha256Counter('rest', 200_000))
      const rabin = { ...format, chunker: 'rabin-4096-8192-16384', rawLeaves: false }
      const copy = Uint8Array.from(bytes)
      const { result } = await under.workers.leaves({ format: rabin, bytes, isLast: false })

      const { leaves, rest, spare } = await result

      const cut = leaves.reduce((sum, { fileSize }) => sum + fileSize, 0)
      assert.ok(rest.length > 0 && rest.length < 16384)
      assert.deepEqual(Buffer.from(rest), Buffer.from(copy.subarray(cut)))
      assert.equal(spare?.byteLength, 200_000)
    })

    it('makes leaves in the memory that it was given, where they have room', async () => {
      const nodes = { ...format, rawLeaves: false }
      const job = { format: nodes, bytes: own(sha256Counter('into', 5500)), isLast: true }
      const alone = await (await under.workers.leaves(job)).result
      for (const [intoBytes, isUsed] of [[100_000, true], [100, false]] as const) {
        const bytes = own(sha256Counter('into', 5500))
        const { leaves, memory } = await (await under.workers.leaves({ ...job, bytes, into: new ArrayBuffer(intoBytes) })).result

        assert.deepEqual(leaves.map(({ block }) => Buffer.from(block.bytes)), alone.leaves.map(({ block }) => Buffer.from(block.bytes)))
        assert.equal(memory?.byteLength === intoBytes, isUsed)
      }
    })

    for (const query of [{}, { 'raw-leaves': 'true' }, { chunker: 'rabin' }] as Array<Record<string, string>>) {
      it(`makes the same blocks in memory that was given back: ${JSON.stringify(query)}`, async () => {
        const entries = (): UploadEntry[] => [fileEntry('f', longContent, 60_001), fileEntry('g', longContent)]
        const kept = new KeepingSink()
        const giving = {
          blocks: kept.blocks,
          write: async (blocks: readonly Block[]) => {
            kept.write(blocks.map(({ cid, bytes }) => ({ cid, bytes: Uint8Array.from(bytes) })))
            for (const { bytes } of blocks) giveBack(bytes)
          }
        }

        assert.deepEqual(await imported(threaded, entries(), query, {}, giving), await imported(importEntries, entries(), query))
      })
    }

    it('uses the memory of leaves again that were given back', async () => {
      const nodes = { ...format, chunker: 'size-262144', rawLeaves: false }
      let again = 0
      const counting: BlockWorkers = {
        ...under.workers,
        width: 1,
        leaves: async job => {
          if (job.into != null) again++
          return under.workers.leaves(job)
        }
      }
      for await (const leaves of leafStream(inPieces(sha256Counter('again', 8 << 20), 1 << 20), nodes, counting)) {
        for (const { block } of leaves) giveBack(block.bytes)
      }

      assert.equal(again, 7)
    })

    it('refuses what the importer refuses, in the same words', async () => {
      for (const query of [{ chunker: 'size-0' }, { chunker: 'what' }, { hash: 'x11', 'cid-version': '1' }, { hash: 'sha3-256' }]) {
        const content = sha256Counter('bad', 200_000)
        const failure = async (importer: Importer) =>
          imported(importer, [fileEntry('f', content)], query).then(() => 'no', err => `${err.code} ${err.message}`)

        assert.equal(await failure(threaded), await failure(importEntries), JSON.stringify(query))
      }
    })

    it('stops with an abort: the content is ended, and what was made is not written any more', async () => {
      const abort = new AbortController()
      let isEnded = false
      const endless = async function * (): AsyncGenerator<Uint8Array> {
        try {
          for (let n = 0; ; n++) {
            if (n === 100) abort.abort(new Error('gone'))
            yield new Uint8Array(65536).fill(n)
          }
        } finally {
          isEnded = true
        }
      }
      const sink = new KeepingSink()
      const entry: UploadEntry = { kind: 'file', path: 'f', content: endless() }

      await assert.rejects(imported(threaded, [entry], {}, { signal: abort.signal }, sink), /gone/)

      assert.ok(isEnded)
      assert.ok(sink.blocks.length <= 25)
    })

    it('reads no further ahead than jobs may run', async () => {
      let read = 0
      const content = async function * (): AsyncGenerator<Uint8Array> {
        for (let n = 0; n < 200; n++) {
          read += 1 << 20
          yield new Uint8Array(1 << 20).fill(n)
        }
      }
      const { promise: closed, resolve: open } = Promise.withResolvers<void>()
      const sink = { write: async () => closed }
      const entry: UploadEntry = { kind: 'file', path: 'f', content: content() }
      const importing = imported(threaded, [entry], {}, {}, sink)
      for (let before = -1; before !== read;) {
        before = read
        for (let n = 0; n < 50; n++) await new Promise(resolve => setImmediate(resolve))
      }

      const ahead = read

      assert.ok(ahead <= (under.workers.width + 6) * 2 ** 20, `${ahead} bytes were read`)
      open()
      await importing
      assert.equal(read, 200 * 2 ** 20)
    })

    it('writes the blocks of a CAR as they are, in their order', async () => {
      const blocks = [...numberedBlocks(40, 100_000), blockOf(Buffer.from('{}'), 0x0129), ...numberedBlocks(700, 50)]
      const car = await carOf(blocks[0]?.cid, blocks)
      for (const pieceBytes of [10_007, 1 << 20]) {
        const sink = new KeepingSink()

        const result = await threadedCar(inPieces(car, pieceBytes), sink, {})

        assert.deepEqual(result, await importCar(inPieces(car, pieceBytes), new KeepingSink(), {}))
        assert.deepEqual(sink.cids, blocks.map(({ cid }) => String(cid)))
        for (const [i, { bytes, crc32: sum }] of sink.blocks.entries()) {
          assert.ok(Buffer.from(bytes).equals(blocks[i]?.bytes ?? new Uint8Array(0)))
          assert.ok(sum == null || sum === crc32(bytes))
        }
      }
    })

    it('finds every fault of a CAR that would be found without, in the same words, and writes what is before it', async () => {
      const blocks = numberedBlocks(30, 60_000)
      const car = await carOf(blocks[0]?.cid, blocks)
      const wrong = (at: number): Buffer => {
        const copy = Buffer.from(car)
        copy[at] = (copy[at] ?? 0) ^ 1
        return copy
      }
      const undecodable = await carOf(blocks[0]?.cid, [...blocks, blockOf(Buffer.from([0xff, 0xff]), 0x70), ...numberedBlocks(3, 9)])
      const torn = [car.subarray(0, car.length - 5), Buffer.concat([car, Buffer.of(0xff)])]
      for (const bad of [wrong(car.length - 10), wrong(1_000_000), undecodable, ...torn]) {
        for (const likeKubo of [false, true]) {
          const [expected, actual] = [await failed(importCar, bad, likeKubo), await failed(threadedCar, bad, likeKubo)]

          assert.match(expected.message, /INVALID_ARGUMENT/)
          assert.deepEqual(actual, expected)
        }
      }
    })

    it('serves many at once', async () => {
      const contents = Array.from({ length: 12 }, (_, n) => sha256Counter(`many ${n}`, 2_300_000))

      const all = await Promise.all(contents.map(async content => imported(threaded, [fileEntry('f', content)], {})))

      for (const [n, content] of contents.entries()) assert.deepEqual(all[n], await imported(importEntries, [fileEntry('f', content)], {}))
    })
  })
}

async function imported (
  importer: Importer, entries: UploadEntry[], query: Record<string, string>, options: Partial<ImportOptions> = {},
  sink: Pick<KeepingSink, 'blocks'> & Parameters<Importer>[2] | { write: () => Promise<void>, blocks?: Block[] } = new KeepingSink()
): Promise<{ lines: string[], blocks: string[] }> {
  const lines: string[] = []
  const outputs = importer(eachOf(entries), dagParams(query), sink, { wrap: false, progress: false, ...options })
  try {
    for await (const output of outputs) lines.push(showOutput(output))
  } catch (err) {
    // what Kubo stores no blocks of is told at the end
    if (!isClusterError(err, 'IPFS_ERROR')) throw err
    lines.push(err.message)
  }
  return { lines, blocks: (sink.blocks ?? []).map(({ cid, bytes }) => `${String(cid)} ${bytes.length} ${crc32(bytes)}`) }
}

async function failed (importer: CarImporter, car: Uint8Array, likeKubo: boolean): Promise<{ message: string, blocks: string[] }> {
  const sink = new KeepingSink()
  const message = await importer(inPieces(car, 65536), sink, { likeKubo }).then(() => 'nothing', err => `${err.code} ${err.message}`)
  return { message, blocks: sink.cids }
}

async function carOf (root: CID | undefined, blocks: readonly Block[]): Promise<Buffer> {
  const { writer, out } = CarWriter.create(root == null ? [] : [root])
  const collecting = Array.fromAsync(out)
  for (const block of blocks) await writer.put(block)
  await writer.close()
  return Buffer.concat(await collecting)
}
