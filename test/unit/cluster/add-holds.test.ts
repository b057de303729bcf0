import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CarWriter } from '@ipld/car'
import { ClusterError } from '../../../src/base/errors.ts'
import { createSharder } from '../../../src/importer/sharder.ts'
import type { AddParams, UploadEntry } from '../../../src/model/add.ts'
import type { CID } from '../../../src/model/cid.ts'
import type { PinOptions } from '../../../src/model/pin.ts'
import { importCar, importEntries } from '../../support/imports.ts'
import type { TestCluster } from '../../support/cluster/cluster-of.ts'
import { clusterOpener } from '../../support/cluster/cluster-of.ts'
import { addParams, factors } from '../../support/cluster/values.ts'
import { nodeOf, textBlock } from '../../support/dags.ts'

const open = clusterOpener()
const importers = { unixfs: importEntries, car: importCar, sharder: createSharder }

interface AddCase {
  params?: Partial<Omit<AddParams, 'pin'>>
  options?: Partial<PinOptions>
  entries?: (made: TestCluster) => AsyncIterable<UploadEntry>
  /** Before the add. */
  prepare?: (made: TestCluster) => void
  /** Takes so many lines and leaves. */
  lines?: number
  signal?: AbortSignal
  fails?: true
}

const content = async function * (sizeBytes = 600_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < sizeBytes; at += 200_000) yield new Uint8Array(200_000).fill(at / 200_000)
}
const tree = async function * (): AsyncGenerator<UploadEntry> {
  yield { kind: 'file', path: 'd/a', content: content() }
  yield { kind: 'directory', path: 'd/empty' }
  yield { kind: 'file', path: 'd/b', content: content(2_000_000) }
}
const entries = (...all: UploadEntry[]) => async function * (): AsyncGenerator<UploadEntry> { yield * all }
const aCar = async function * (): AsyncGenerator<UploadEntry> {
  const leaf = textBlock('a leaf')
  const root = nodeOf([leaf.cid], 'a root')
  const { writer, out } = CarWriter.create([root.cid])
  for (const block of [root, leaf]) void writer.put(block)
  void writer.close()
  yield { kind: 'file', path: 'x.car', content: out }
}
/** Two files, then `act`, then more. */
const middle = (act: (made: TestCluster) => void) => async function * (made: TestCluster): AsyncGenerator<UploadEntry> {
  yield * tree()
  act(made)
  yield { kind: 'file', path: 'd/c', content: content(3_000_000) }
}
const cutOff = middle(() => { throw new Error('cut off') })
const shard = { shard: true }
const smallShards = { shardSize: 1_000_000 }
const other = (at: number) => (made: TestCluster): Partial<PinOptions> => ({ ...factors(1), userAllocations: [made.ids[at] ?? ''] })

/** Peer 0 adds, in a cluster of three. */
const cases: Record<string, AddCase | ((made: TestCluster) => AddCase)> = {
  'a file and directories': {},
  'wrapped': { params: { wrap: true } },
  'without a pin': { params: { noPin: true } },
  'a CAR': { params: { format: 'car' }, entries: aCar },
  'a CAR without a pin': { params: { format: 'car', noPin: true }, entries: aCar },
  'in shards': { params: shard, options: { ...factors(1), ...smallShards } },
  'in shards, wrapped': { params: { ...shard, wrap: true }, options: { ...factors(2), ...smallShards } },
  'in shards without a pin': { params: { ...shard, noPin: true }, options: { ...factors(1), ...smallShards } },
  'a CAR in shards': { params: { ...shard, format: 'car' }, options: { ...factors(1), ...smallShards }, entries: aCar },
  'for two of three peers': { options: factors(2) },
  'for another peer only': made => ({ options: other(2)(made) }),
  'in shards for another peer only': made => ({ params: shard, options: { ...other(2)(made), ...smallShards } }),
  'a CAR for another peer only': made => ({ params: { format: 'car' }, options: other(2)(made), entries: aCar }),
  'local, for this peer': { params: { local: true }, options: factors(1) },
  'local, for another peer': made => ({ params: { local: true }, options: other(2)(made) }),
  'nothing': { entries: entries(), fails: true },
  'a directory without a name': { entries: entries({ kind: 'directory', path: '' }), fails: true },
  'nothing, in shards': { params: shard, options: factors(1), entries: entries(), fails: true },
  'nothing as a CAR': { params: { format: 'car' }, entries: entries(), fails: true },
  'a directory as a CAR': { params: { format: 'car' }, entries: entries({ kind: 'directory', path: 'd' }), fails: true },
  'a wrapped CAR': { params: { format: 'car', wrap: true }, entries: aCar, fails: true },
  'an upload that is cut off': { entries: cutOff, fails: true },
  'an upload in shards that is cut off': { params: shard, options: { ...factors(1), ...smallShards }, entries: cutOff, fails: true },
  'a CAR that is cut off': {
    params: { format: 'car' }, entries: entries({ kind: 'file', path: 'x', content: content(200_000) }), fails: true
  },
  'a client that leaves after a line': { lines: 1 },
  'a client that leaves a sharded add after a line': {
    params: { ...shard, progress: true }, options: { ...factors(1), ...smallShards }, lines: 3
  },
  'a client that has left': { signal: AbortSignal.abort(new Error('left')), fails: true },
  'a client that has left a sharded add': { params: shard, options: factors(1), signal: AbortSignal.abort(new Error('left')), fails: true },
  'a full disk': {
    prepare: ({ peers }) => { for (const { ipfs } of peers) ipfs.storageFault = new ClusterError('STORAGE_FULL') }, fails: true
  },
  'a full disk in shards': {
    params: shard, options: factors(1),
    prepare: ({ peers }) => { for (const { ipfs } of peers) ipfs.storageFault = new ClusterError('STORAGE_FULL') }, fails: true
  },
  'a disk that fills up': {
    entries: middle(({ peers }) => { for (const { ipfs } of peers) ipfs.storageFault = new ClusterError('STORAGE_FULL') }), fails: true
  },
  'a destination that dies': { entries: middle(made => { made.unreachable.set(made.ids[1] ?? '', new ClusterError('PEER_UNREACHABLE')) }) },
  'a pinset that takes no pin': {
    prepare: ({ peerAt }) => { peerAt(0).consensus.put = async () => { throw new ClusterError('STORAGE_FULL') } }, fails: true
  },
  'a pinset that takes no pin of a sharded add': {
    params: shard, options: factors(1),
    prepare: ({ peerAt }) => { peerAt(0).consensus.put = async () => { throw new ClusterError('STORAGE_FULL') } }, fails: true
  },
  'no peer to hold it': { options: factors(9), fails: true },
  'shards that are too small': { params: shard, options: { ...factors(1), shardSize: 10 }, fails: true }
}

describe('the blocks of an add are held no longer than it takes', () => {
  for (const [name, given] of Object.entries(cases)) {
    it(name, async () => {
      const made = await open(3, { importers })
      const { params = {}, options = {}, entries = tree, prepare, lines = Infinity, signal, fails = false } = typeof given === 'function'
        ? given(made)
        : given
      const { cluster } = made
      prepare?.(made)
      let read = 0
      const add = async (): Promise<void> => {
        for await (const _ of cluster.add(entries(made), addParams(params, options), signal == null ? {} : { signal })) {
          if (++read >= lines) break
        }
      }

      await (fails ? assert.rejects(add) : add())
      await made.settle()

      assert.deepEqual(made.peers.map(({ ipfs }) => ipfs.holdCount()), [0, 0, 0])
    })
  }
})

describe('an add that awaits its pin', () => {
  const added = async ({ peerAt }: TestCluster): Promise<CID> => {
    let root: CID | undefined
    for await (const { cid } of peerAt(0).cluster.add(tree(), addParams({ noPin: true, awaitsPin: true }))) root = cid ?? root
    assert.ok(root != null)
    return root
  }

  it('keeps its blocks until somebody pins it', async () => {
    const made = await open(1, { importers })
    const root = await added(made)
    await made.settle()
    const before = made.peerAt(0).ipfs.holdCount()

    await made.peerAt(0).cluster.pin(root, addParams().pin)
    await made.settle()

    assert.deepEqual([before, made.peerAt(0).ipfs.holdCount()], [1, 0])
  })

  it('holds nothing of what the pinset has already', async () => {
    const made = await open(1, { importers })
    const root = await added(made)
    await made.peerAt(0).cluster.pin(root, addParams().pin)
    await made.settle()

    await added(made)

    assert.equal(made.peerAt(0).ipfs.holdCount(), 0)
  })
})
