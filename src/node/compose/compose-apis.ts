import type { Duplex } from 'node:stream'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { restApi, type RestApi, type Watching } from '../../api/rest/rest-api.ts'
import type { Clock, Random } from '../../base/clock.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { Workers } from '../../base/worker.ts'
import type { Blockstore } from '../../blockstore/blockstore.ts'
import type { Importers } from '../../cluster/add/upload.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import type { ServiceConfig } from '../../config/service-config.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import { BytesInFlight } from '../../http/answer/bytes-in-flight.ts'
import type { Denylist } from '../../ipfs/denylist.ts'
import { dagReader } from '../../ipfs/helia/unixfs/dag-reader.ts'
import type { DagReader } from '../../ipfs/dag-reader.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { NameResolver } from '../../ipfs/names.ts'
import type { CID } from '../../model/cid.ts'
import { libp2pHttpHost, type HttpHost } from '../../network/host/http/http-host.ts'
import type { Observer } from '../../observe/observer.ts'
import { servingMemory, servingShares } from '../gateway-threads/thread-init.ts'
import type { Serving } from '../gateway-threads/threaded-gateway.ts'
import type { NodeInit } from '../node-contract.ts'
import { agentVersion } from './compose-ipfs.ts'
import { httpInit } from './http-init.ts'
import { walkFolder } from '../folder/leftovers.ts'
import { restDepsOf } from './rest-deps.ts'

export interface ApisInit { folder: string, config: ServiceConfig, version: string }

/** What everybody shares who reads content. `serving`: the gateway's threads; undefined: none. */
export interface Reading { reader: DagReader, flow: BytesInFlight, serving: Serving | undefined }

export interface ApisDeps extends Reading {
  cluster: ClusterApi
  ipfs: IpfsConnector
  importers: Pick<Importers, 'unixfs' | 'car'>
  /** Of the embedded node. */
  blocks: Blockstore | undefined
  denylist: Denylist
  names: NameResolver
  consensus: Consensus
  watching: Watching
  /** Blocks below this root are being made here: resolves when no more come. Undefined where none are. */
  pendingImport?: ((root: CID) => Promise<void> | undefined) | undefined
  workers: Workers
  observer: Observer
  clock: Clock
  random: Random
  log: Logger
}

/** What all listeners share that read content: one reader, one budget of bytes, the gateway's threads. */
export function composeReading ({ folder, config }: Pick<ApisInit, 'folder' | 'config'>, deps: { clock: Clock, random: Random }): Reading {
  const serving = servingOf(config, availableParallelism())
  const shares = serving == null ? undefined : servingShares(serving.memory, 0)
  return {
    serving,
    flow: new BytesInFlight({ maxBytes: config.api.gateway?.memoryMaxBytes ?? usualBytesInFlight, stalledMs: 5000 }, { ...deps, shares }),
    // not in the folder of the block store, which an external node has no need of
    reader: dagReader({ folder: join(folder, walkFolder) }, deps)
  }
}

/** Threads of the gateway, where the blocks can be read from another thread. Who traces wants to see each request where it is answered. */
function servingOf ({ api: { gateway }, ipfs, tracing }: ServiceConfig, cores: number): Serving | undefined {
  if (gateway == null || ipfs.kind !== 'helia' || ipfs.blockstore !== 'segments' || tracing.enableTracing) return undefined
  const whenBusy = gateway.workers < 0
  const threads = whenBusy ? cores < 2 ? 0 : Math.min(cores, usualThreads) : gateway.workers
  return threads === 0 ? undefined : { threads, whenBusy, memory: servingMemory(threads) }
}

/** Each moves more than most networks do. */
const usualThreads = 8

/** A running API: where it listens, and a way in for connections that come from elsewhere. */
export interface Api extends Startable {
  /** Bound addresses as multiaddr texts. */
  addresses (): readonly string[]
  accept (connection: Duplex): void
}

/** The APIs that the configuration asks for; a section that isn't there starts nothing. */
export interface Apis {
  restapi: RestApi | undefined, pinsvcapi: Api | undefined, ipfsproxy: Api | undefined, gateway: Api | undefined, webui: Api | undefined
}

/** All but the REST API are loaded when their turn to start comes: whoever asks for /health doesn't wait for them. */
export function composeApis (init: ApisInit, deps: ApisDeps): Apis {
  const { folder, config: { api: { restapi, pinsvcapi, ipfsproxy, gateway, webui } } } = init
  const { log } = deps
  const content = gateway == null
    ? undefined
    : loadedAtStart('gateway', async () => (await import('./compose-gateway.ts')).composeGateway(init, gateway, deps))
  return {
    restapi: restapi == null
      ? undefined
      : restApi({ ...httpInit(folder, restapi, log.child('restapilog')), wrap: deps.observer.requests('restapi') },
        restDepsOf(deps)),
    pinsvcapi: pinsvcapi == null
      ? undefined
      : loadedAtStart('pinsvcapi', async () => (await import('./compose-pinning.ts')).composePinning(init, pinsvcapi, deps)),
    ipfsproxy: ipfsproxy == null
      ? undefined
      : loadedAtStart('ipfsproxy', async () => (await import('./compose-proxy.ts')).composeProxy(init, ipfsproxy, deps)),
    gateway: content,
    webui: webui == null
      ? undefined
      : loadedAtStart(
        'webui',
        async () => (await import('./compose-web.ts')).composeWebui(init, webui, { ...deps, gateway: () => content?.addresses() ?? [] })
      )
  }
}

const usualBytesInFlight = 64 * 2 ** 20

/** An API whose code isn't in memory before it starts. */
function loadedAtStart (name: string, load: () => Promise<Api>): Api {
  let api: Api | undefined
  return {
    name,
    addresses: () => api?.addresses() ?? [],
    accept: connection => {
      if (api == null) connection.destroy()
      else api.accept(connection)
    },
    start: async signal => {
      api = await load()
      await api.start(signal)
    },
    drain: async () => api?.drain?.(),
    stop: async () => api?.stop()
  }
}

export interface HttpHostsDeps { apis: Pick<Apis, 'restapi' | 'pinsvcapi'>, clock: Clock, log: Logger }

/** By API: its own libp2p host, when its section has all three of `libp2p_listen_multiaddress`, `id` and `private_key`. */
export interface HttpHosts { restapi: HttpHost | undefined, pinsvcapi: HttpHost | undefined }

/** The libp2p hosts that carry HTTP, by API. */
export function composeHttpHosts (
  { config, version }: Pick<NodeInit, 'config' | 'version'>, { apis, clock, log }: HttpHostsDeps
): HttpHosts {
  const hostOf = (api: 'restapi' | 'pinsvcapi'): HttpHost | undefined => {
    const section = config.api[api]
    const server: { accept (connection: Duplex): void } | undefined = apis[api]
    if (section?.privateKey == null || server == null || section.libp2pListenMultiaddress.length === 0) return undefined
    return libp2pHttpHost(
      {
        api, peer: section.id, privateKey: section.privateKey.reveal(), listen: section.libp2pListenMultiaddress,
        agentVersion: agentVersion(version)
      },
      { accept: connection => server.accept(connection), clock, log: log.child(api) }
    )
  }
  return { restapi: hostOf('restapi'), pinsvcapi: hostOf('pinsvcapi') }
}
