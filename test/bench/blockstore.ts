/**
 * `node test/bench/blockstore.ts [segments|level|memory] [folder]`: puts, reads, look-ups, restart, space and garbage collection of a block
 * store, with a plain file write in the same run to compare with. Takes about 1.5 GB of the disk for some seconds.
 */
import { hash } from 'node:crypto'
import { closeSync, openSync, unlinkSync, writevSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CID } from 'multiformats/cid'
import { silentLogger } from '../../src/base/log.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import type { Block, Blockstore } from '../../src/blockstore/blockstore.ts'
import { levelBlockstore } from '../../src/blockstore/level/level.ts'
import { memoryBlockstore } from '../support/memory-blockstore.ts'
import { segmentBlockstore } from '../../src/blockstore/segments/segments.ts'
import { levelDatastore } from '../../src/datastore/level/level-datastore.ts'
import { garbageCollector } from '../../src/ipfs/helia/repository/garbage.ts'
import { BlockProtection } from '../../src/ipfs/helia/repository/protection.ts'
import { recentBlocks } from '../../src/ipfs/helia/repository/recent-blocks.ts'
import { rootTable } from '../../src/ipfs/helia/repository/root-table.ts'
import { walkScratch } from '../../src/ipfs/helia/walk/scratch.ts'
import { walkDag } from '../../src/ipfs/helia/walk/walk.ts'
import { blockOf, numberedBlocks } from '../support/blocks.ts'
import { nodeOf } from '../support/dags.ts'

const [kind = 'segments', parent = tmpdir()] = process.argv.slice(2)
const folder = await mkdtemp(join(parent, 'helia-cluster-bench-blocks-'))
const never = new AbortController().signal
const say = (row: string, value: number | string, unit = ''): void =>
  console.log(`${row.padEnd(52)} ${typeof value === 'number' ? value.toFixed(value < 10 ? 2 : 0) : value} ${unit}`)

function open (): Blockstore {
  if (kind === 'memory') return memoryBlockstore()
  return kind === 'level'
    ? levelBlockstore({ folder: join(folder, 'store') }, { log: silentLogger, clock: systemClock })
    : segmentBlockstore({ folder: join(folder, 'store') }, { log: silentLogger, clock: systemClock })
}

async function seconds (work: () => Promise<unknown> | unknown): Promise<number> {
  const begin = performance.now()
  await work()
  return (performance.now() - begin) / 1000
}

async function putInBatches (store: Blockstore, blocks: readonly Block[], size: number): Promise<void> {
  for (let at = 0; at < blocks.length; at += size) await store.put(blocks.slice(at, at + size))
}

async function readAll (store: Blockstore, cids: readonly CID[], width: number): Promise<void> {
  const waiting = cids.values()
  await Promise.all(Array.from({ length: width }, async () => { for (const cid of waiting) await store.get(cid) }))
}

function plainWrite (blocks: readonly Block[], name: string): void {
  const file = openSync(join(folder, name), 'w')
  for (let at = 0; at < blocks.length; at += 16) writevSync(file, blocks.slice(at, at + 16).map(({ bytes }) => bytes))
  closeSync(file)
  // Else its dirty pages slow down what follows.
  unlinkSync(join(folder, name))
}

let store = open()
await store.start(never)
const large = numberedBlocks(2048, 262_144)
const small = numberedBlocks(60_000, 1024, 10_000)
const megabytes = 2048 * 262_144 / 1e6

// The first one pays for what the machine hasn't done for a while; it counts for neither.
plainWrite(large, 'warm')
const plain = megabytes / await seconds(() => plainWrite(large, 'plain'))
const put = megabytes / await seconds(async () => putInBatches(store, large, 16))
say('plain file, 512 MiB in 256 KiB pieces', plain, 'MB/s')
say('put 512 MiB in 256 KiB blocks, 16 at a time', put, `MB/s = ${(put / plain).toFixed(2)} of the plain file`)
say('put them again', 2048 / await seconds(async () => putInBatches(store, large, 16)), 'blocks/s')
say('sync', 1000 * await seconds(async () => store.sync()), 'ms')
say('put 1 KiB blocks, 64 at a time', 60_000 / await seconds(async () => putInBatches(store, small, 64)), 'blocks/s')
const lone = numberedBlocks(20_000, 1024, 100_000)
say(
  'put 1 KiB blocks, one at a time by 4',
  16_000 / await seconds(
    async () => Promise.all([0, 1, 2, 3].map(async n => putInBatches(store, lone.slice(4000 * n, 4000 * n + 4000), 1)))
  ),
  'blocks/s'
)
say('put 1 KiB blocks, one at a time', 4000 / await seconds(async () => putInBatches(store, lone.slice(16_000), 1)), 'blocks/s')
say(
  'get 256 KiB blocks, one at a time',
  1000 * 0.262144 / await seconds(async () => readAll(store, large.slice(0, 1000).map(({ cid }) => cid), 1)), 'MB/s'
)
say(
  'get 256 KiB blocks, 8 at a time',
  1000 * 0.262144 / await seconds(async () => readAll(store, large.slice(1000, 2000).map(({ cid }) => cid), 8)), 'MB/s'
)
say(
  'get 1 KiB blocks, one at a time', 5000 / await seconds(async () => readAll(store, small.slice(0, 5000).map(({ cid }) => cid), 1)),
  'blocks/s'
)
say(
  'get 1 KiB blocks, 32 at a time', 30_000 / await seconds(async () => readAll(store, small.slice(5000, 35_000).map(({ cid }) => cid), 32)),
  'blocks/s'
)
say('has', 60_000 / await seconds(() => small.filter(({ cid }) => store.has(cid))), 'look-ups/s')
say('stop', 1000 * await seconds(async () => store.stop()), 'ms')
store = kind === 'memory' ? store : open()
say('start again', 1000 * await seconds(async () => store.start(never)), 'ms')

const datastore = levelDatastore(
  { folder: join(folder, 'data'), writeBufferBytes: 8 << 20, cacheBytes: 8 << 20 }, { log: silentLogger, clock: systemClock }
)
const roots = rootTable({}, { datastore, clock: systemClock })
const protection = new BlockProtection({ folder: join(folder, 'guards') }, { random: systemRandom, log: silentLogger })
const recent = recentBlocks({}, { datastore, clock: systemClock })
const scratch = walkScratch({ folder: join(folder, 'walks') }, { random: systemRandom })
for (const part of [datastore, roots]) await part.start(never)
const collector = garbageCollector({ folder: join(folder, 'gc') }, {
  blocks: store, roots, protection, recent, scratch, random: systemRandom, log: silentLogger
})

const nodes: Block[] = []
for (let at = 0; at < 60_000; at += 174) nodes.push(nodeOf(small.slice(at, at + 174).map(({ cid }) => cid), ''))
const top = nodeOf(nodes.map(({ cid }) => cid), 'top')
await store.put([...nodes, top])
const guard = protection.guard()
say(
  'walk a DAG of 60,345 blocks, guarded',
  60_345 / await seconds(
    async () => walkDag(top.cid, { depth: -1, guard, scratch, get: async cid => cid.code === 0x55 ? undefined : await store.get(cid) })
  ),
  'blocks/s'
)
guard.release()
await roots.add({ cid: top.cid, depth: -1 })
const lonely = numberedBlocks(20_000, 8).map(({ cid }) => cid)
say('enter 20,000 roots, 32 at a time', 20_000 / await seconds(async () => {
  const waiting = lonely.values()
  await Promise.all(Array.from({ length: 32 }, async () => { for (const cid of waiting) await roots.add({ cid, depth: -1 }) }))
}), 'roots/s')
let removed = 0
say(
  'collect: 80,346 marked, 22,048 removed',
  await seconds(async () => { for await (const { error } of collector.collect()) if (error === '') removed++ }), `s (${removed} removed)`
)
if ('upkeep' in store) {
  const { upkeep } = store as ReturnType<typeof segmentBlockstore>
  say('give the space back', await seconds(async () => { while (await upkeep.work(never) === 'busy'); }), 's')
}
say('guard and release', 20_000 / await seconds(async () => {
  for (let n = 0; n < 20_000; n++) {
    const one = protection.guard()
    await one.protect([lonely[n]!])
    one.release()
  }
}), 'times/s')
say('linksOf a dag-pb node of 174 links', 2000 / await seconds(async () => {
  const { linksOf } = await import('../../src/ipfs/helia/links/links.ts')
  for (let n = 0; n < 2000; n++) linksOf(nodes[0] ?? blockOf(hash('sha256', '', 'buffer')))
}), 'nodes/s')
say('resident memory (the blocks of the bench included)', process.memoryUsage().rss / 2 ** 20, 'MiB')
for (const part of [roots, datastore, store]) await part.stop()
await rm(folder, { recursive: true, force: true })
