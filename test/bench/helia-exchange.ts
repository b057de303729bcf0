import { fork } from 'node:child_process'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { CID } from 'multiformats/cid'
import type { Block } from '../../src/blockstore/blockstore.ts'
import { pinOf } from '../support/pins.ts'
import { batches, fileBlock, rawBlock } from '../support/unixfs-blocks.ts'
import { startHelia } from '../support/helia.ts'

/**
 * `node test/bench/helia-exchange.ts [MB]`: how fast two embedded nodes in two processes exchange a file (256 KiB leaves, stores in
 * memory), how fast local content is pinned, and whether the buffers of messages are let go (arrayBuffers beyond the stored blocks).
 */
const megabytes = Number(process.argv[2] ?? 200)
const mib = 1024 * 1024

async function serve (): Promise<void> {
  const { connector } = await startHelia()
  await connector.ready()
  const leaves: Block[] = []
  for (let n = 0; n < megabytes * 4; n++) leaves.push(await rawBlock(randomBytes(256 * 1024)))
  const root = await fileBlock(leaves)
  await connector.putBlocks(batches(...leaves, root))
  process.send?.({ root: root.cid.toString(), address: (await connector.id()).addresses?.[0], report: arrayBuffers() })
  process.on('message', () => process.send?.({ report: arrayBuffers() }))
}

function arrayBuffers (): number {
  globalThis.gc?.()
  return Math.round(process.memoryUsage().arrayBuffers / mib)
}

async function fetch (): Promise<void> {
  const importing = performance.now()
  const { connector, close } = await startHelia({ fetchConcurrency: Number(process.env.CONCURRENCY ?? 64) })
  const started = performance.now()
  await connector.ready()
  globalThis.gc?.()
  console.log(
    `local work after ${Math.round(started - importing)} ms, network after ${Math.round(performance.now() - importing)} ms, RSS ${Math.round(process.memoryUsage.rss() / mib)} MiB`
  )
  await pinLocal(connector)
  const server = fork(fileURLToPath(import.meta.url), [String(megabytes), 'serve'], { execArgv: ['--expose-gc'] })
  const [{ root, address, report }] = await once(server, 'message') as [{ root: string, address: string, report: number }]
  await connector.connect([address])
  const before = arrayBuffers()
  const start = performance.now()
  await connector.pin(pinOf(CID.parse(root)))
  const seconds = (performance.now() - start) / 1000
  const rss = process.memoryUsage.rss() / mib
  console.log(
    `fetched ${megabytes} MiB in ${seconds.toFixed(2)} s: ${(megabytes * 1.048576 / seconds).toFixed(0)} MB/s; RSS ${rss.toFixed(0)} MiB`
  )
  server.send('report')
  const [after] = await once(server, 'message') as [{ report: number }]
  console.log(`array buffers beyond the blocks: receiver ${arrayBuffers() - before - megabytes} MiB, sender ${after.report - report} MiB`)
  server.disconnect()
  server.kill()
  await close()
}

async function pinLocal (connector: Awaited<ReturnType<typeof startHelia>>['connector']): Promise<void> {
  for (const atOnce of [1, 10, 100]) {
    const blocks = await Promise.all(Array.from({ length: 5000 }, async (_, n) => rawBlock(`${atOnce}:${n}`)))
    await connector.putBlocks((async function * () { yield blocks })())
    const start = performance.now()
    const left = blocks.values()
    await Promise.all(Array.from({ length: atOnce }, async () => { for (const { cid } of left) await connector.pin(pinOf(cid)) }))
    console.log(`local pins, ${atOnce} at a time: ${Math.round(5000 / (performance.now() - start) * 1000)}/s`)
  }
}

await (process.argv[3] === 'serve' ? serve() : fetch())
