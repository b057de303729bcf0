import { join } from 'node:path'
import type { Clock, Random } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Workers } from '../../base/worker.ts'
import { denyFiles } from '../../ipfs/compact-denylist/deny-files.ts'
import type { DenyFiles } from '../../ipfs/compact-denylist/deny-files.ts'
import { heliaConnector } from '../../ipfs/helia/connector.ts'
import type { Denylist } from '../../ipfs/denylist.ts'
import { keyFolder } from '../../ipfs/helia/names/key-files.ts'
import type { TxtLookup } from '../../ipfs/helia/names/txt-lookup.ts'
import { firstOf, httpsTxt, systemTxt } from '../../ipfs/helia/names/txt-resolvers.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { NameResolver } from '../../ipfs/names.ts'
import type { CID } from '../../model/cid.ts'
import type { AllocatedPeers } from '../../ipfs/allocated-peers.ts'
import { kuboConnector } from '../../ipfs/kubo/connector.ts'
import type { HeliaConfig, IpfsHttpConfig } from '../../config/service-config.ts'
import { resolveIn } from '../folder/folder.ts'
import type { NodeInit } from '../node-contract.ts'
import type { Stores } from './compose-stores.ts'
import { refusingIpfs } from '../refusing-ipfs.ts'

/** The folder that is looked at when nothing is said; nobody has to have it. */
const usualDenylists = 'denylists'

/** What the peer refuses. To be started before everything that asks it. */
export function composeDenylist (
  { folder, config }: NodeInit, { clock, log, workers }: { clock: Clock, log: Logger, workers: Workers }
): DenyFiles {
  const sources = config.cluster.denylists.map(
    text => ({ path: resolveIn(folder, text, usualDenylists), required: text !== usualDenylists })
  )
  const denylist = denyFiles({ sources }, { clock, log: log.child('denylist') })
  if (sources.length > 0) workers.add(denylist.upkeep)
  return denylist
}

export interface IpfsDeps {
  stores: Stores
  denylist: Denylist
  /** The other peers that have what is below a pin. */
  allocatedPeersOf: (root: CID) => AllocatedPeers
  /** Resolves when libp2p may be loaded. */
  mayLoad: Promise<void>
  clock: Clock
  random: Random
  log: Logger
  workers: Workers
}

/** An IPFS node and the names that it knows. */
export interface ComposedIpfs extends IpfsConnector {
  readonly names: NameResolver
}

/** The IPFS node that the configuration asks for. */
export function composeIpfs (
  init: NodeInit, { stores, denylist, allocatedPeersOf, mayLoad, clock, random, log, workers }: IpfsDeps
): ComposedIpfs {
  const { ipfs } = init.config
  if (ipfs.kind === 'ipfshttp') {
    return refusingIpfs(
      kuboConnector(kuboInit(init, ipfs), { temporaryStore: stores.temporary, clock, random, log: log.child('ipfshttp') }), denylist
    )
  }
  if (stores.blocks == null) throw new ClusterError('INTERNAL', {}, { message: 'the embedded IPFS node has no block store' })
  return refusingIpfs(
    heliaConnector(heliaInit(init, ipfs), {
      blockstore: stores.blocks, datastore: stores.local, clock, random, log: log.child('ipfs'), workers, reserve: stores.reserve, denylist,
      allocatedPeersOf, mayLoad, nameKeys: keyFolder(join(init.folder, 'ipfs-keys')), txt: txtLookupOf(ipfs.dnslink.resolvers)
    }),
    denylist
  )
}

function kuboInit ({ version }: NodeInit, config: IpfsHttpConfig): Parameters<typeof kuboConnector>[0] {
  return {
    address: config.nodeMultiaddress,
    requestTimeoutMs: config.ipfsRequestTimeoutMs,
    pinTimeoutMs: config.pinTimeoutMs,
    unpinTimeoutMs: config.unpinTimeoutMs,
    repoGcTimeoutMs: config.repogcTimeoutMs,
    unpinDisable: config.unpinDisable,
    agentVersion: agentVersion(version)
  }
}

function heliaInit (
  { folder, ipfsIdentity, fixedNames = new Map(), version }: NodeInit, config: HeliaConfig
): Parameters<typeof heliaConnector>[0] {
  return {
    folder: join(folder, 'blocks'),
    privateKey: ipfsIdentity.privateKey,
    listen: config.listenMultiaddress,
    announce: config.announce,
    bootstrap: config.bootstrap,
    dht: config.dht as 'auto' | 'client' | 'server' | 'off',
    agentVersion: agentVersion(version),
    storageMaxBytes: config.storageMaxBytes,
    pinTimeoutMs: config.pinTimeoutMs,
    requestTimeoutMs: config.ipfsRequestTimeoutMs,
    unpinDisable: config.unpinDisable,
    fetchConcurrency: config.fetchConcurrency,
    pinLimits: { maxBytes: config.maxPinSize || Infinity, maxBlocks: config.maxPinBlocks || Infinity },
    provide: config.provide as 'roots' | 'pinned' | 'all' | 'off',
    reprovideIntervalMs: config.reprovideIntervalMs,
    names: {
      recordLifetimeMs: config.ipns.recordLifetimeMs,
      republishPeriodMs: config.ipns.republishPeriodMs,
      resolveTimeoutMs: config.ipns.resolveTimeoutMs,
      cache: { size: config.ipns.cacheSize, maxAgeMs: config.ipns.maxCacheTtlMs },
      dnslink: { timeoutMs: config.dnslink.timeoutMs, concurrency: config.dnslink.concurrency },
      fixed: fixedNames
    }
  }
}

const txtLookupOf = (resolvers: readonly string[]): TxtLookup | undefined =>
  resolvers.length === 0 ? undefined : firstOf(resolvers.map(one => one === 'system' ? systemTxt() : httpsTxt(one)))

/** "1.1.6+helia.0.1.0" → "helia-cluster/0.1.0", as identify tells it. */
export const agentVersion = (version: string): string => `helia-cluster/${version.split('+helia.')[1] ?? version}`
