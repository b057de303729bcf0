import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pollUntil } from '../support/poll.ts'
import { programOptions } from '../support/program-options.ts'
import { systemClock } from '../../src/base/system.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { PinsetChange } from '../../src/consensus/consensus.ts'
import type { Datastore } from '../../src/datastore/datastore.ts'
import { levelDatastore } from '../../src/datastore/level/level-datastore.ts'
import type { HistoryExchange, HistorySource } from '../../src/network/history.ts'
import { historyWalk } from '../../src/network/history/walk.ts'
import { crdtPeer, noBatching, type CrdtPeer } from '../support/crdt-peer.ts'
import { pinFor } from '../support/pins.ts'

/**
 * What the history of a pinset costs: `node test/bench/history-size.ts --changes N --items M --batch B`. A consensus takes N changes of M
 * items (a third is unpinned, pinned again and changed), B to a block; printed are the rows and bytes on the disk by kind of record, how
 * long a restart takes and how much memory the process then has, and how long a fresh peer takes to merge everything from it, both in one
 * process. Nothing of the network, of IPFS or of the disk's syncs is measured.
 */
const values = programOptions('node test/bench/history-size.ts [--changes N] [--items N] [--batch N]', {
  changes: { type: 'string', default: '100000' }, items: { type: 'string', default: '10000' }, batch: { type: 'string', default: '1' }
})
const [changes, items, batch] = [values.changes, values.items, values.batch].map(Number) as [number, number, number]

/** "12.3 s (10.1 s of CPU)": since a moment. */
function stopwatch (): () => string {
  const [fromMs, fromCpu] = [performance.now(), process.cpuUsage()]
  return () => {
    const { user, system } = process.cpuUsage(fromCpu)
    return `${((performance.now() - fromMs) / 1000).toFixed(1)} s (${((user + system) / 1e6).toFixed(1)} s of CPU)`
  }
}
const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0)

async function folderBytes (folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizeOf = async (path: string): Promise<number> => (await stat(path)).size
  const sizes = await Promise.all(files.filter(file => file.isFile()).map(async file => sizeOf(join(file.parentPath, file.name))))
  return sizes.reduce((sum, size) => sum + size, 0)
}

function open (folder: string, history?: HistoryExchange): CrdtPeer {
  const stored = levelDatastore({ folder, writeBufferBytes: 16 << 20, cacheBytes: 16 << 20 }, { log: silentLogger, clock: systemClock })
  // the disk's syncs are not what is measured
  const datastore: Datastore = {
    name: stored.name,
    start: async signal => stored.start(signal),
    stop: async () => stored.stop(),
    get: key => stored.get(key),
    has: key => stored.has(key),
    getMany: async keys => stored.getMany(keys),
    write: async writes => stored.write(writes),
    entries: (range, options) => stored.entries(range, options),
    texts: (range, options) => stored.texts(range, options),
    keys: (range, options) => stored.keys(range, options),
    values: (range, options) => stored.values(range, options)
  }
  const batching = batch === 1 ? noBatching : { maxBatchSize: batch, maxBatchAgeMs: 1000, maxQueueSize: 50_000 }
  return crdtPeer({ datastore, clock: systemClock, batching, ...(history == null ? {} : { history }) })
}

async function fill (peer: CrdtPeer): Promise<void> {
  let next = 0
  const one = async (): Promise<void> => {
    while (next < changes) {
      const at = next++
      const pin = pinFor(`pin ${at % items}`)
      if (at >= items && at % 3 === 0) await peer.consensus.remove(pin.cid)
      else await peer.consensus.put({ ...pin, name: `change ${at}` })
    }
  }
  // without batching as many as share a commit make one block: one at a time makes the chain that is asked for
  await Promise.all(Array.from({ length: batch === 1 ? 1 : batch * 2 }, one))
}

async function printRows (peer: CrdtPeer): Promise<void> {
  const kinds = new Map<string, { rows: number, bytes: number }>()
  for await (const entries of peer.datastore.entries({ from: ' ', before: '~' })) {
    for (const [key, value] of entries) {
      const kind = kinds.get(key.slice(0, 1)) ?? { rows: 0, bytes: 0 }
      kind.rows++
      kind.bytes += key.length + value.length
      kinds.set(key.slice(0, 1), kind)
    }
  }
  for (const [kind, { rows, bytes }] of kinds) console.log(`  ${kind}: ${rows} rows, ${mebibytes(bytes)} MiB`)
}

/** Gives what `source` has, as one stream. */
function historyOf (source: HistorySource): HistoryExchange {
  return {
    ask: async (_peer, request) => ({ heads: source.completeHeads(), blocks: pieces(source, request), end: () => {} }),
    onPeer: listener => {
      listener('source', true)
      return () => {}
    }
  }
}
type Request = Parameters<HistoryExchange['ask']>[1]
async function * pieces (source: HistorySource, request: Request): AsyncGenerator<Array<{ cid: any, bytes: Uint8Array }>> {
  let piece = []
  for (const block of historyWalk(request, cid => source.getBlock(cid))) {
    if (block != null) piece.push(block)
    if (piece.length < 64) continue
    yield piece
    piece = []
  }
  if (piece.length > 0) yield piece
}

const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-history-'))
try {
  let took = stopwatch()
  let peer = open(join(folder, 'source'))
  await peer.start()
  await fill(peer)
  console.log(`${changes} changes of ${items} items, ${batch} a block: filled in ${took()}, ${peer.consensus.state.size()} pins`)
  await peer.stop()
  console.log(`on the disk ${mebibytes(await folderBytes(join(folder, 'source')))} MiB`)

  globalThis.gc?.()
  const before = process.memoryUsage().rss
  took = stopwatch()
  peer = open(join(folder, 'source'))
  await peer.start()
  console.log(`restarted in ${took()}; memory of the process ${mebibytes(before)} before, ${mebibytes(process.memoryUsage().rss)} MiB after`)
  await printRows(peer)

  took = stopwatch()
  const fresh = open(join(folder, 'fresh'), historyOf(peer.consensus))
  let merged = 0
  fresh.consensus.onChange((list: readonly PinsetChange[]) => { merged += list.length })
  await fresh.start()
  const heads = (of: CrdtPeer): string => of.consensus.progress().heads.map(String).toSorted().join()
  let mostBytes = 0
  await pollUntil(() => {
    mostBytes = Math.max(mostBytes, process.memoryUsage().rss)
    const isWhole = fresh.consensus.state.size() === peer.consensus.state.size() && !fresh.consensus.progress().behind
    return isWhole && heads(fresh) === heads(peer)
  }, { what: 'the fresh peer', withinMs: 3_600_000, everyMs: 20 })
  console.log(`fresh: ${took()}, ${fresh.consensus.state.size()} pins, ${merged} told; most memory of both ${mebibytes(mostBytes)} MiB`)
  await fresh.stop()
  await peer.stop()
} finally {
  await rm(folder, { recursive: true, force: true })
}
