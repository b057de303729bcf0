import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { gateway } from '../../api/gateway/gateway.ts'
import type { Gateway, GatewayDeps, GatewayInit } from '../../api/gateway/gateway.ts'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Blockstore } from '../../blockstore/blockstore.ts'
import { cannotListen, freeAddress, listenOptionsOf, multiaddrOf } from '../../http/listen.ts'
import { nodeCallHandlers } from '../../ipfs/other-thread/call-handlers.ts'
import type { Observer } from '../../observe/observer.ts'
import { walkFolder } from '../folder/leftovers.ts'
import { spawnThread } from '../spawn-thread.ts'
import type { SpawnedThread } from '../spawn-thread.ts'
import { BusyWatch } from './busy-watch.ts'
import type { BusyWatchInit } from './busy-watch.ts'
import { GatewayPool } from './gateway-pool.ts'
import { servingShares } from './thread-init.ts'
import type { ThreadInit } from './thread-init.ts'

/**
 * Who serves. `whenBusy`: the threads begin when the main one is busy, and serve beside it; else from the start, and they have all TCP
 * ports.
 */
export interface Serving { threads: number, whenBusy: boolean, memory: SharedArrayBuffer }

export interface ThreadedGatewayInit {
  /** The peer's. */
  folder: string
  gateway: GatewayInit
  serving: Serving
  memoryMaxBytes: number
  /** When the main thread counts as busy. Default: half a second in which it had little else to do. */
  busy?: BusyWatchInit
}

export interface ThreadedGatewayDeps {
  gateway: GatewayDeps
  blocks: Blockstore
  observer: Observer
  clock: Clock
  log: Logger
}

const isUnix = (address: string): boolean => address.startsWith('/unix/')
const usualBusy = { windowMs: 500, share: 0.6 }
const leastKeptBytes = 4 * 2 ** 20

/** The main thread's gateway, and threads that serve the same: `docs/design/gateway-threads.md`. */
export function threadedGateway (init: ThreadedGatewayInit, deps: ThreadedGatewayDeps): Gateway {
  const { serving: { threads, whenBusy, memory }, gateway: settings } = init
  const log = deps.log.child('gateway')
  const pool = poolOf(init, deps)
  const watch = new BusyWatch(init.busy ?? usualBusy, { utilization, clock: deps.clock, busy: () => { void begin() } })
  const main = gateway({
    ...settings,
    ...whenBusy ? { sharing: 'begins' } : { listen: settings.listen.filter(isUnix) },
    wrap: whenBusy ? watched(settings.wrap, () => watch.saw()) : settings.wrap
  }, { ...deps.gateway, shares: servingShares(memory, 0) })
  let [tcp, isStopped]: [readonly string[], boolean] = [[], false]

  async function begin (): Promise<void> {
    const addresses = main.addresses().filter(address => !isUnix(address))
    if (isStopped || addresses.length === 0) return
    try {
      await pool.serve(addresses)
      log.info('the gateway is busy: it serves on threads, too', { threads })
    } catch (err) {
      log.warn('the gateway can not serve on threads', { err })
    }
  }

  return {
    name: 'gateway',
    addresses: () => [...main.addresses(), ...tcp],
    accept: connection => main.accept(connection),
    start: async signal => {
      await main.start(signal)
      if (whenBusy) return
      tcp = await Promise.all(settings.listen.filter(address => !isUnix(address)).map(freed))
      await pool.serve(tcp)
    },
    drain: async () => {
      watch.stop()
      isStopped = true
      await Promise.all([main.drain?.(), pool.drain()])
    },
    stop: async () => {
      watch.stop()
      isStopped = true
      await Promise.all([main.stop(), pool.stop()])
    }
  }
}

function poolOf ({ folder, gateway: settings, serving, memoryMaxBytes }: ThreadedGatewayInit, deps: ThreadedGatewayDeps): GatewayPool {
  const { names, denylist, pendingImport, ipfs } = deps.gateway
  const { logLine, wrap: _, sharing: __, ...copied } = settings
  const measured = deps.observer.answered('gateway')
  return new GatewayPool({
    threads: serving.threads,
    gateway: { ...copied, tls: settings.tls == null ? null : { cert: String(settings.tls.cert), key: String(settings.tls.key) } },
    shares: serving.memory,
    flow: { maxBytes: memoryMaxBytes, stalledMs: 5000, keepBytes: Math.max(leastKeptBytes, memoryMaxBytes / (serving.threads + 1)) },
    blocksFolder: join(folder, 'blocks'),
    walkFolder: join(folder, walkFolder),
    has: { names: names != null, pendingImport: pendingImport != null, lines: logLine != null, measures: measured != null }
  }, {
    spawn: spawnGateway,
    handlers: nodeCallHandlers({ blocks: deps.blocks, ipfs, names, denylist, pendingImport }),
    blocks: deps.blocks,
    denylist,
    logLine,
    measured: measured == null ? undefined : ([method, status, seconds]) => measured({ method, status, seconds }),
    clock: deps.clock,
    log: deps.log.child('gateway')
  })
}

const watched = (wrap: GatewayInit['wrap'], saw: () => void): NonNullable<GatewayInit['wrap']> => listener => {
  const wrapped = wrap?.(listener) ?? listener
  return (request, response) => {
    saw()
    wrapped(request, response)
  }
}

const utilization = (): () => number => {
  const from = performance.eventLoopUtilization()
  return () => performance.eventLoopUtilization(from).utilization
}

/** A multiaddr that nobody listens on: threads could share one without a word with somebody else of the same user. */
async function freed (address: string): Promise<string> {
  const { host = '', port = 0 } = await freeAddress(listenOptionsOf(address)).catch(err => { throw cannotListen('gateway', address, err) })
  return multiaddrOf({ address: host, family: host.includes(':') ? 'IPv6' : 'IPv4', port })
}

const here = import.meta.url
/** Garbage is mostly what a request leaves behind, which goes with small collections. MiB. */
const youngMiB = 16

const spawnGateway = (init: ThreadInit): SpawnedThread => spawnThread({
  source: new URL('./thread.ts', here),
  bundled: 'gateway-thread.mjs',
  name: `gateway ${init.thread}`,
  data: { ...init, walkFolder: `${init.walkFolder}-${init.thread}` },
  youngMiB
})
