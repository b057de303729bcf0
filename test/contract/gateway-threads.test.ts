import assert from 'node:assert/strict'
import { mkdtemp, open, readdir, readlink, rm } from 'node:fs/promises'
import { request } from 'node:http'
import type { IncomingMessage, RequestOptions } from 'node:http'
import { request as requestTls } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { CID } from 'multiformats/cid'
import type { Gateway, GatewayInit } from '../../src/api/gateway/gateway.ts'
import { ClusterError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/log.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import type { Block } from '../../src/blockstore/blockstore.ts'
import { segmentBlockstore } from '../../src/blockstore/segments/segments.ts'
import type { UpkeptBlockstore } from '../../src/blockstore/segments/segments.ts'
import { BytesInFlight } from '../../src/http/answer/bytes-in-flight.ts'
import type { GetBlockOptions } from '../../src/ipfs/ipfs.ts'
import { servingMemory, servingShares } from '../../src/node/gateway-threads/thread-init.ts'
import { threadedGateway } from '../../src/node/gateway-threads/threaded-gateway.ts'
import type { ThreadedGatewayInit } from '../../src/node/gateway-threads/threaded-gateway.ts'
import { noOpObserver } from '../../src/observe/observer.ts'
import type { AnsweredRequest } from '../../src/observe/observer.ts'
import { denyLists } from '../support/deny-lists.ts'
import type { DenyLists } from '../support/deny-lists.ts'
import { gatewayDefaults } from '../support/gateway-peer.ts'
import { pollUntil, quietMs } from '../support/poll.ts'
import { testReader } from '../support/dag-reader.ts'
import { testCertificate } from '../unit/http/test-certificate.ts'
import { directoryBlock, fileBlock, rawBlock } from '../support/unixfs-blocks.ts'

const never = new AbortController().signal
const leafBytes = 50_000

let folder: string
let store: UpkeptBlockstore
let lists: DenyLists
let running: Gateway | undefined
let leaves: Block[]
let file: Block
/** What became of requests, as the main thread heard. */
let lines: string[]
let measured: AnsweredRequest[]
/** Blocks that threads asked the node for, because they have no place. */
let asked: string[]

async function getBlock (cid: CID, { signal, local = false, allocate }: GetBlockOptions = {}): Promise<Uint8Array> {
  asked.push(cid.toString())
  const bytes = await store.get(cid, allocate == null ? {} : { allocate })
  if (bytes != null) return bytes
  if (local) throw new ClusterError('BLOCK_MISSING')
  return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }))
}

const serving = (threads = 2) => ({ threads, whenBusy: false, memory: servingMemory(threads) })

async function start (settings: Partial<GatewayInit> = {}, init: Partial<ThreadedGatewayInit> = {}): Promise<Gateway> {
  const observer = { ...noOpObserver, answered: () => (one: AnsweredRequest) => { measured.push(one) } }
  const threads = init.serving ?? serving()
  const flow = new BytesInFlight(
    { maxBytes: 16 * 2 ** 20, stalledMs: 5000 }, { clock: systemClock, shares: servingShares(threads.memory, 0) }
  )
  const parts = {
    ipfs: { getBlock }, reader: testReader, denylist: lists.denylist, flow, clock: systemClock, random: systemRandom, log: silentLogger
  }
  const gateway = { ...gatewayDefaults, logLine: (line: string) => { lines.push(line) }, ...settings }
  const made = threadedGateway(
    { folder, gateway, memoryMaxBytes: 16 * 2 ** 20, ...init, serving: threads },
    { gateway: parts, blocks: store, observer, clock: systemClock, log: silentLogger }
  )
  running = made
  await made.start(never)
  return made
}

const portOf = (gateway: Gateway): number => Number(/\/tcp\/(\d+)/.exec(gateway.addresses()[0] ?? '')?.[1])

interface Got { status: number | undefined, headers: IncomingMessage['headers'], body: Buffer }

/** On a connection of its own, so that each thread gets some. */
async function get (path: string, options: RequestOptions = {}): Promise<Got> {
  const response = await answerTo(path, options)
  return { status: response.statusCode, headers: response.headers, body: await buffer(response) }
}

async function answerTo (path: string, options: RequestOptions = {}): Promise<IncomingMessage> {
  const where = options.socketPath == null ? { host: '127.0.0.1', port: portOf(running as Gateway) } : {}
  return new Promise((resolve, reject) => { request({ agent: false, path, ...where, ...options }, resolve).on('error', reject).end() })
}

const many = async <T>(count: number, act: (at: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, async (_, at) => act(at)))

/** Descriptors of segments that were removed. */
async function deletedFiles (): Promise<string[]> {
  const names = await readdir('/proc/self/fd')
  const targets = await Promise.all(names.map(async name => readlink(`/proc/self/fd/${name}`).catch(() => '')))
  return targets.filter(target => target.startsWith(folder) && target.endsWith(' (deleted)'))
}

describe('the gateway on threads', { timeout: quietMs(60_000) }, () => {
  beforeEach(async () => {
    ;[lines, measured, asked] = [[], [], []]
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-threads-'))
    lists = await denyLists([])
    store = segmentBlockstore(
      { folder: join(folder, 'blocks'), segmentBytes: 120_000, worthBytes: 1 }, { log: silentLogger, clock: systemClock }
    )
    await store.start(never)
    leaves = await Promise.all(Array.from({ length: 6 }, async (_, at) => rawBlock(new Uint8Array(leafBytes).fill(at + 1))))
    file = await fileBlock(leaves)
    await store.put([file, ...leaves])
  })

  afterEach(async () => {
    await running?.stop()
    running = undefined
    await lists.close()
    await store.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('serves files, parts and heads of them from the disk, and asks for no block', async () => {
    await start()
    const content = Buffer.concat(leaves.map(({ bytes }) => bytes))

    const answers = await many(24, async () => get(`/ipfs/${file.cid}`))
    const part = await get(`/ipfs/${file.cid}`, { headers: { range: 'bytes=99990-150009' } })
    const head = await get(`/ipfs/${file.cid}`, { method: 'HEAD' })

    for (const { status, body } of answers) assert.ok(status === 200 && body.equals(content))
    assert.ok(part.status === 206 && part.body.equals(content.subarray(99_990, 150_010)))
    assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, '300000', 0])
    assert.deepEqual(asked, [])
  })

  it('tells the main thread of each request', async () => {
    await start()

    await many(10, async () => get(`/ipfs/${file.cid}`))
    await get('/ipfs/nonsense')

    await pollUntil(() => lines.length === 11 && measured.length === 11, { what: 'lines and measures' })
    assert.equal(lines.filter(line => line.endsWith(' 200 300000')).length, 10)
    assert.deepEqual([...new Set(measured.map(({ method, status }) => `${method} ${status}`))].toSorted(), ['GET 200', 'GET 400'])
  })

  it('gives nothing that was deleted, and what was moved', async () => {
    await start({ noFetch: true })
    await many(8, async () => get(`/ipfs/${file.cid}`))
    const [gone, kept] = leaves as [Block, Block]

    await store.delete([gone.cid, ...leaves.slice(2).map(({ cid }) => cid)])

    for (const { status } of await many(8, async () => get(`/ipfs/${gone.cid}?format=raw`))) assert.equal(status, 404)
    while (await store.upkeep.work(never) === 'busy') {} // segments go
    for (const { body } of await many(8, async () => get(`/ipfs/${kept.cid}?format=raw`))) assert.ok(body.equals(kept.bytes))
    await pollUntil(async () => (await deletedFiles()).length === 0, { what: 'files of removed segments closed' })
  })

  it('never gives bytes that are not the block: the node hears of the damage', async () => {
    await start({ noFetch: true })
    const [damaged] = leaves as [Block]
    const place = store.placeOf?.(damaged.cid)
    const segment = await open(join(folder, 'blocks', 'segments', `${String(place?.segment).padStart(10, '0')}.segment`), 'r+')
    await segment.write(Buffer.from([77]), 0, 1, (place?.offset ?? 0) + 1000)
    await segment.close()

    const { status } = await get(`/ipfs/${damaged.cid}?format=raw`)

    assert.equal(status, 404)
    assert.equal(store.lostBlocks?.(), 1)
  })

  it('never gives them in the midst of a file either, whose leaves are read together', async () => {
    await start({ noFetch: true })
    for (const { cid } of leaves) await many(8, async () => get(`/ipfs/${cid}?format=raw`)) // all threads know where they lie
    const place = store.placeOf?.((leaves[1] as Block).cid)
    const segment = await open(join(folder, 'blocks', 'segments', `${String(place?.segment).padStart(10, '0')}.segment`), 'r+')
    await segment.write(Buffer.from([77]), 0, 1, (place?.offset ?? 0) + 1000)
    await segment.close()

    const answers = await Promise.allSettled(Array.from({ length: 8 }, async () => get(`/ipfs/${file.cid}`)))

    assert.deepEqual(answers.filter(({ status, ...one }) => status === 'fulfilled' && (one as { value?: Got }).value?.status === 200), [])
    assert.equal(store.lostBlocks?.(), 1)
  })

  it('refuses what is denied, as soon as the rules say so', async () => {
    await start()
    const page = await rawBlock('page')
    const site = await directoryBlock({ page })
    await store.put([page, site])
    assert.equal((await get(`/ipfs/${site.cid}/page`)).status, 200)

    await lists.write('more.deny', [`/ipfs/${page.cid}`, `/ipfs/${file.cid}`])
    await lists.look()

    await pollUntil(async () => (await get(`/ipfs/${site.cid}/page`)).status === 410, { what: 'refusal' })
    for (const { status } of await many(8, async () => get(`/ipfs/${site.cid}/page`))) assert.equal(status, 410)
    for (const { status } of await many(8, async () => get(`/ipfs/${file.cid}`))) assert.equal(status, 410)
  })

  it('counts answers over all threads, and waits no longer for a client that has gone', async () => {
    await start({ maxRequests: 6 })
    const absent = await rawBlock('nobody has it')
    const waiting = Array.from(
      { length: 6 },
      () => request({
        agent: false, host: '127.0.0.1', port: portOf(running as Gateway), path: `/ipfs/${absent.cid}`
      }).on('error', () => {})
    )
    for (const one of waiting) one.end()
    await pollUntil(() => asked.length === 6, { what: 'six answers that wait' })

    const tooMany = await get(`/ipfs/${file.cid}`)
    for (const one of waiting) one.destroy()

    assert.equal(tooMany.status, 429)
    await pollUntil(async () => (await get(`/ipfs/${file.cid}`)).status === 200, { what: 'room again' })
  })

  it('takes no port that another gateway has', async () => {
    const first = await start()
    const listen = [`/ip4/127.0.0.1/tcp/${portOf(first)}`]
    try {
      for (const whenBusy of [false, true]) {
        await assert.rejects(
          start({ listen }, { serving: { ...serving(), whenBusy } }),
          { code: 'INVALID_CONFIG', message: /gateway can't listen on .*EADDRINUSE/ }
        )
        await running?.stop()
      }
    } finally {
      await first.stop()
    }
  })

  it('serves unix sockets on the main thread, and TLS on threads', async () => {
    const socketPath = join(folder, 'gateway.sock')
    await start({ listen: ['/ip4/127.0.0.1/tcp/0', `/unix${socketPath}`], tls: testCertificate })
    const where = { host: '127.0.0.1', path: `/ipfs/${file.cid}`, ca: testCertificate.cert, agent: false } as const

    const port = Number(/\/tcp\/(\d+)/.exec(running?.addresses().join() ?? '')?.[1])
    for (const over of [{ port }, { socketPath }]) {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        requestTls({ ...where, ...over }, resolve).on('error', reject).end()
      })

      assert.equal((await buffer(response)).length, 300_000)
    }
  })

  it('begins when the main thread is busy, and both serve then', async () => {
    const begun = Promise.withResolvers<void>()
    const busy = { windowMs: 1, share: 0 }
    const threads = { ...serving(1), whenBusy: true }
    await start({}, { serving: threads, busy })
    const viaThread = (): boolean => measured.length > 0

    await pollUntil(async () => {
      const { body } = await get(`/ipfs/${file.cid}`)
      assert.equal(body.length, 300_000)
      return viaThread()
    }, { what: 'an answer of a thread' })
    begun.resolve()

    assert.deepEqual([...new Set((await many(20, async () => get(`/ipfs/${file.cid}`))).map(({ status }) => status))], [200])
  })

  it('stops within seconds while many downloads are open', async () => {
    const big = await fileBlock(Array.from({ length: 60 }, (_, at) => leaves[at % 6] as Block))
    await store.put([big])
    await start()
    const open = await many(200, async () => answerTo(`/ipfs/${big.cid}`))
    for (const response of open) response.on('error', () => {}).pause()

    const from = systemClock.now()
    await running?.drain?.()
    await running?.stop()

    assert.ok(systemClock.now() - from < 5000, `${systemClock.now() - from} ms`)
    for (const response of open) response.destroy()
  })
})
