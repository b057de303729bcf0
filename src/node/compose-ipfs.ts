import { join } from 'node:path'
import type { Clock, Random } from '../base/clock.ts'
import { ClusterError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { Workers } from '../base/worker.ts'
import { heliaConnector, type HeliaConnector } from '../ipfs/helia/connector.ts'
import type { HeliaConfig } from '../config/service-config.ts'
import type { NodeInit } from './node-contract.ts'
import type { Stores } from './compose-stores.ts'
import { hostAndPort } from './tcp-address.ts'

export interface IpfsDeps { stores: Stores, clock: Clock, random: Random, log: Logger, workers: Workers }

/** The IPFS node that the configuration asks for. */
export function composeIpfs (init: NodeInit, { stores, clock, random, log, workers }: IpfsDeps): HeliaConnector {
  const { ipfs } = init.config
  if (ipfs.kind !== 'helia' || stores.blocks == null) {
    throw new ClusterError('INVALID_CONFIG', {}, { message: 'ipfs_connector.ipfshttp: an external Kubo is not supported yet; use ipfs_connector.helia' })
  }
  return heliaConnector(heliaInit(init, ipfs), { blockstore: stores.blocks, datastore: stores.local, clock, random, log: log.child('ipfs'), workers })
}

function heliaInit ({ folder, ipfsIdentity, version }: NodeInit, config: HeliaConfig): Parameters<typeof heliaConnector>[0] {
  return {
    folder: join(folder, 'blocks'),
    privateKey: ipfsIdentity.privateKey,
    listen: config.listenMultiaddress,
    announce: config.announce,
    bootstrap: config.bootstrap,
    dht: config.dht === 'auto' ? 'client' : config.dht as 'client' | 'server' | 'off',
    agentVersion: agentVersion(version),
    storageMaxBytes: config.storageMaxBytes,
    pinTimeoutMs: config.pinTimeoutMs,
    requestTimeoutMs: config.ipfsRequestTimeoutMs,
    unpinDisable: config.unpinDisable,
    fetchConcurrency: config.fetchConcurrency,
    provide: config.provide as 'roots' | 'pinned' | 'all' | 'off',
    reprovideIntervalMs: config.reprovideIntervalMs,
    ...(config.gatewayMultiaddress === '' ? {} : { gateway: hostAndPort(config.gatewayMultiaddress) })
  }
}

/** "1.1.6+helia.0.1.0" → "helia-cluster/0.1.0", as identify tells it. */
export const agentVersion = (version: string): string => `helia-cluster/${version.split('+helia.')[1] ?? version}`
