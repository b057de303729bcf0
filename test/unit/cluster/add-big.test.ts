import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError } from '../../../src/base/errors.ts'
import type { Importer } from '../../../src/importer/importer.ts'
import { clusterOpener } from '../../support/cluster/cluster-of.ts'
import { textImporters, uploadOf } from '../../support/cluster/text-importers.ts'
import { addParams, blockOf, collect } from '../../support/cluster/values.ts'

const open = clusterOpener()

/** Takes twenty blocks. */
function failingInTheMiddle (): (batches: AsyncIterable<readonly unknown[]>) => Promise<void> {
  let count = 0
  return async batches => {
    for await (const batch of batches) {
      count += batch.length
      if (count > 20) throw new ClusterError('IPFS_UNAVAILABLE')
    }
  }
}

describe('big adds', () => {
  const rawLeaf = 0x55
  const dagPb = 0x70
  const kib256 = 262_144

  /** Makes `count` blocks of 256 KiB, every eighth of another codec, and writes four at a time. */
  const bigImporter = (count: number, onWrite = (_at: number): void => {}): Importer =>
    async function * (_entries, _params, sink, { onRoot }) {
    for (let at = 0; at < count; at += 4) {
      const blocks = [0, 1, 2, 3].map(more => {
        const bytes = new Uint8Array(kib256)
        new DataView(bytes.buffer).setUint32(0, at + more)
        return blockOf(bytes, (at + more) % 8 === 7 ? dagPb : rawLeaf)
      })
      await sink.write(blocks)
      onWrite(at + 3)
      for (const { cid } of blocks) onRoot?.(cid, 'big')
    }
    yield { name: 'big', cid: blockOf(new Uint8Array(), rawLeaf).cid, bytes: 0, size: count * kib256 }
  }

  it('are stored batch by batch, and go to other peers in one stream per codec', async () => {
    const made = await open(2, { importers: { ...textImporters, unixfs: bigImporter(64) } })

    await collect(made.cluster.add(uploadOf(), addParams()))

    assert.deepEqual(made.peers.map(({ ipfs }) => ipfs.blocks.size), [64, 64])
    assert.deepEqual(made.peers.map(({ ipfs }) => ipfs.putCalls), [16, 2])
    assert.ok((made.peers[0]?.ipfs.largestBatchBytes ?? 0) <= 5 * kib256)
  })

  it('wait for the slowest destination: at most 16 MiB are under way', async () => {
    let written = 0
    let stored = 0
    let most = 0
    const counting = bigImporter(200, at => {
      written = at + 1
      most = Math.max(most, written - stored)
    })
    const made = await open(1, { importers: { ...textImporters, unixfs: counting } })
    made.peer.ipfs.putBlocks = async batches => {
      for await (const batch of batches) {
        await made.settle()
        stored += batch.length
      }
    }

    await collect(made.cluster.add(uploadOf(), addParams()))

    assert.equal(stored, 200)
    assert.ok(most * kib256 <= 16 * 1024 * 1024, `${most} blocks`)
  })

  it('go on without a destination that fails in the middle, and stop when the last one has', async () => {
    const importers = { ...textImporters, unixfs: bigImporter(100) }
    const made = await open(2, { importers })
    made.peerAt(1).ipfs.putBlocks = failingInTheMiddle()

    await collect(made.cluster.add(uploadOf(), addParams()))
    made.peer.ipfs.putBlocks = failingInTheMiddle()
    const hopeless = collect(made.cluster.add(uploadOf(), addParams()))

    assert.equal(made.pinset.pins.size, 1)
    await assert.rejects(hopeless, { message: 'failed to put block on all destinations' })
  })

  it('that break off end the streams with an error, so that no destination waits or takes half for the whole', async () => {
    const endings: string[] = []
    const watching = async (batches: AsyncIterable<readonly unknown[]>): Promise<void> => {
      try {
        for await (const _batch of batches) { /* taken */ }
        endings.push('complete')
      } catch (err) {
        endings.push((err as ClusterError).code)
        throw err
      }
    }
    const breaking = bigImporter(40, at => { if (at > 30) throw new Error('cut off') })
    const made = await open(2, { importers: { ...textImporters, unixfs: breaking } })
    made.peerAt(1).ipfs.putBlocks = watching

    const adding = collect(made.cluster.add(uploadOf(), addParams()))

    await assert.rejects(adding, { message: 'cut off' })
    assert.deepEqual(endings, ['IPFS_ERROR', 'IPFS_ERROR'])
  })
})
