import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import type { CID } from 'multiformats/cid'
import { gateway } from '../../src/api/gateway/gateway.ts'
import type { Gateway, GatewayDeps, GatewayInit } from '../../src/api/gateway/gateway.ts'
import { ClusterError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/log.ts'
import { PortCalls } from '../../src/base/port-calls.ts'
import type { CallPort } from '../../src/base/port-calls.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import type { Block } from '../../src/blockstore/blockstore.ts'
import { BytesInFlight } from '../../src/http/answer/bytes-in-flight.ts'
import type { GetBlockOptions } from '../../src/ipfs/ipfs.ts'
import { nodeCallHandlers } from '../../src/ipfs/other-thread/call-handlers.ts'
import { serveGateway } from '../../src/node/gateway-threads/serve.ts'
import { servingMemory } from '../../src/node/gateway-threads/thread-init.ts'
import { testReader } from './dag-reader.ts'

/**
 * Blocks in memory. `elsewhere`: what becomes of those that aren't here: they may not be fetched (BLOCK_MISSING), nobody has them, or
 * nobody answers.
 */
export class MemoryBlocks {
  readonly #blocks = new Map<string, Uint8Array>()
  elsewhere: 'missing' | 'nobody' | 'silent' = 'missing'
  /** CIDs that were read, in order. */
  readonly read: string[] = []
  /** Below which pin blocks were looked for. */
  readonly roots = new Set<string | undefined>()
  /** Signals of what is being waited for. */
  readonly waiting: AbortSignal[] = []

  keep (...blocks: Block[]): void { for (const { cid, bytes } of blocks) this.#blocks.set(keyOf(cid), bytes) }
  drop (cid: CID): void { this.#blocks.delete(keyOf(cid)) }

  async getBlock (cid: CID, { signal, local = false, untilNobody = false, root }: GetBlockOptions = {}): Promise<Uint8Array> {
    signal?.throwIfAborted()
    this.read.push(cid.toString())
    this.roots.add(root?.toString())
    const bytes = this.#blocks.get(keyOf(cid))
    if (bytes != null) return bytes
    if (local || this.elsewhere === 'missing') {
      throw new ClusterError('BLOCK_MISSING', {}, { message: `block was not found locally: ${cid.toString()}` })
    }
    if (this.elsewhere === 'nobody' && untilNobody) throw new ClusterError('NO_PROVIDER')
    if (signal != null) this.waiting.push(signal)
    return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }))
  }
}

const keyOf = ({ multihash }: CID): string => Buffer.from(multihash.bytes).toString('latin1')

/** The defaults of `api.gateway`, listening on any port of 127.0.0.1. */
export const gatewayDefaults: GatewayInit = {
  listen: ['/ip4/127.0.0.1/tcp/0'],
  tls: null,
  timeouts: { readMs: 0, readHeaderMs: 5000, writeMs: 0, idleMs: 20_000 },
  maxHeaderBytes: 16_384,
  maxConnections: 8192,
  maxRequests: 4096,
  firstBlockMs: 30_000,
  blockMs: 30_000,
  requestMs: 3_600_000,
  logLine: null,
  headers: [],
  cors: {
    allowedOrigins: ['*'], allowedMethods: ['GET', 'HEAD', 'OPTIONS'], allowedHeaders: ['Content-Type', 'Range'],
    exposedHeaders: ['Content-Length', 'X-Ipfs-Path']
  },
  hosts: new Map([['localhost', { subdomains: true, inlineDnslink: true }]]),
  dnslinkHosts: true,
  trustedProxies: ['127.0.0.0/8', '::1'],
  deserialized: true,
  contentOnly: false,
  noFetch: false
}

export interface GatewayPeer {
  blocks: MemoryBlocks
  flow: BytesInFlight
  gateway: Gateway
  url: string
  /** Redirects are told, not followed. */
  get (path: string, init?: RequestInit): Promise<Response>
  stop (): Promise<void>
}

/** Whether gateways of tests serve as a thread does: they ask the node by calls. */
export const gatewayTests = { onThread: false }

/** A running gateway on blocks in memory. */
export async function gatewayPeer (init: Partial<GatewayInit> = {}, deps: Partial<GatewayDeps> = {}): Promise<GatewayPeer> {
  const blocks = new MemoryBlocks()
  const flow = deps.flow ?? new BytesInFlight({ maxBytes: 16 * 2 ** 20, stalledMs: 5000 }, { clock: systemClock })
  const parts = { ipfs: blocks, reader: testReader, clock: systemClock, random: systemRandom, log: silentLogger, ...deps, flow }
  const running = (gatewayTests.onThread ? threadGateway : gateway)({ ...gatewayDefaults, ...init }, parts)
  await running.start(new AbortController().signal)
  const port = /\/tcp\/(\d+)/.exec(running.addresses()[0] ?? '')?.[1]
  const url = `http://127.0.0.1:${port}`
  return {
    blocks,
    flow,
    gateway: running,
    url,
    get: async (path, request = {}) => fetch(`${url}${path}`, { redirect: 'manual', ...request }),
    stop: async () => { await running.stop() }
  }
}

/** The gateway of a thread, whose other end is this same thread. */
function threadGateway (init: GatewayInit, deps: GatewayDeps): Gateway {
  const { logLine, wrap: _, sharing: __, ...copied } = init
  const { ipfs, reader, names, denylist, pendingImport, clock, random } = deps
  const { port1, port2 } = new MessageChannel()
  serveGateway({
    gateway: copied,
    thread: 1,
    shares: servingMemory(1),
    flow: { maxBytes: 16 * 2 ** 20, stalledMs: 5000, keepBytes: 2 ** 20 },
    blocksFolder: join(tmpdir(), 'no-such-folder'),
    walkFolder: join(tmpdir(), `helia-cluster-reader-${process.pid}-1`),
    has: { names: names != null, pendingImport: pendingImport != null, lines: logLine != null, measures: false }
  }, { port: port2 as unknown as CallPort, clock, random: random as typeof systemRandom, dags: reader })
  const calls = new PortCalls(port1 as unknown as CallPort, {
    calls: nodeCallHandlers({ blocks: {}, ipfs, names, denylist, pendingImport }),
    notes: { lines: (lines: string) => { for (const line of lines.split('\n')) logLine?.(line) } }
  })
  denylist?.onChange?.(() => calls.tell('rules', denylist.count() > 0))
  calls.tell('rules', (denylist?.count() ?? 0) > 0)
  let addresses: readonly string[] = []
  return {
    name: 'gateway',
    addresses: () => addresses,
    accept: connection => { connection.destroy() },
    start: async () => { addresses = await calls.call('start', undefined) },
    drain: async () => calls.call('drain', undefined),
    stop: async () => {
      await calls.call('stop', undefined)
      port1.close()
      await once(port2, 'close')
    }
  }
}
