import { inBatches } from '../base/batches.ts'
import type { CID } from 'multiformats/cid'
import type { Block } from '../blockstore/blockstore.ts'
import type { PeerId } from '../model/cid.ts'
import type { RemoteOptions, RemotePeers } from '../network/remote-peers.ts'
import { peerInfoFromWire, pinInfoFromWire, repoGcFromWire } from '../wire/rpc-model.ts'
import type { PinInfo } from '../model/pin-info.ts'
import type * as types from '../wire/rpc-types.ts'
import type { WireRecord } from '../wire/rpc-types.ts'
import type { RpcClient } from './client.ts'
import { methods } from './methods.ts'

/** Rows of a status stream that are handed on together. */
const batchSize = 256

/** The other peers of the cluster, asked through Go's RPC. */
export function rpcRemotePeers (client: RpcClient): RemotePeers {
  return {
    info: async (peer, options) => {
      for await (const info of client.stream(peer, methods.idStream, [], options)) return peerInfoFromWire(info)
      throw new Error('the peer did not report its ID')
    },
    status: async (peer, cid, options) => pinInfoFromWire(await client.call(peer, methods.status, cid, options)),
    statusAll: (peer, filter, options) => batches(client.stream(peer, methods.statusAll, [filter], options)),
    recover: async (peer, cid, options) => pinInfoFromWire(await client.call(peer, methods.recover, cid, options)),
    recoverAll: (peer, options) => batches(client.stream(peer, methods.recoverAllLocal, [], options)),
    repoGc: async (peer, options) => repoGcFromWire(await client.call(peer, methods.repoGcLocal, {}, options)),
    repoStat: async (peer, options) => {
      const { repo_size: repoSize, storage_max: storageMax } = await client.call(peer, methods.repoStat, {}, options)
      return { repoSize: Number(repoSize ?? 0), storageMax: Number(storageMax ?? 0) }
    },
    swarmPeers: async (peer, options) => await client.call(peer, methods.swarmPeers, {}, options) ?? [],
    putBlocks: async (peer, blocks, options) => putBlocks(client, peer, blocks, options)
  }
}

/** Tells a peer that this one is there. The peer calls `Cluster.ID` here before it answers (with what we said: of no use to us). */
export async function introduce (client: RpcClient, peer: PeerId, { self, ...options }: RemoteOptions & { self: PeerId }): Promise<void> {
  await client.call(peer, methods.peerAdd, self, options)
}

async function * batches (rows: AsyncIterable<WireRecord<typeof types.pinInfo>>): AsyncGenerator<PinInfo[]> {
  for await (const some of inBatches(rows, batchSize)) yield some.map(pinInfoFromWire)
}

async function putBlocks (
  client: RpcClient, peer: PeerId, blocks: AsyncIterable<readonly Block[]>, options?: RemoteOptions
): Promise<void> {
  // no reply ever comes: the stream's end is the success
  for await (const _ of client.stream(peer, methods.blockStream, nodesOf(blocks), options)) { /* nothing */ }
}

async function * nodesOf (blocks: AsyncIterable<readonly Block[]>): AsyncGenerator<WireRecord<typeof types.nodeWithMeta>> {
  for await (const batch of blocks) for (const { cid, bytes } of batch) yield { data: bytes, cid: cid as CID, cum_size: bytes.byteLength }
}
