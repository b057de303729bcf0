import type { CID } from 'multiformats/cid'
import { ClusterError, invalidArgument } from '../base/errors.ts'
import { readAhead } from '../base/read-ahead.ts'
import type { Block } from '../blockstore/blockstore.ts'
import type { ClusterApi } from '../cluster/cluster-api.ts'
import type { Consensus } from '../consensus/consensus.ts'
import type { IpfsConnector } from '../ipfs/ipfs.ts'
import type { PinTracker } from '../tracker/tracker.ts'
import { peerInfoToWire, pinFromWire, pinInfoToWire, repoGcToWire } from '../wire/rpc-model.ts'
import type * as types from '../wire/rpc-types.ts'
import type { WireRecord } from '../wire/rpc-types.ts'
import type { RpcHandlers } from './server.ts'

export interface RpcHandlerDeps {
  cluster: Pick<ClusterApi, 'peer' | 'version' | 'info' | 'peers' | 'addPeer' | 'repoGc'>
  tracker: Pick<PinTracker, 'status' | 'statusAll' | 'recover' | 'recoverAll'>
  ipfs: Pick<IpfsConnector, 'putBlocks' | 'repoStat' | 'swarmPeers'>
  consensus: Pick<Consensus, 'put' | 'remove' | 'state'>
}

/** The text of Go's CRDT component for what it can't do. */
const cannotRemovePeers = 'crdt consensus component cannot remove peers'

const refuseRemoval = async (): Promise<never> => { throw new ClusterError('UNSUPPORTED', {}, { message: cannotRemovePeers }) }

function needed (cid: CID | null): CID {
  if (cid == null) throw invalidArgument('bad pin object')
  return cid
}

/** Maps the wire's methods on the use cases: the API towards other peers. */
export function rpcHandlers ({ cluster, tracker, ipfs, consensus }: RpcHandlerDeps): RpcHandlers {
  return {
    id: { unary: async (_, { signal }) => peerInfoToWire(await cluster.info({ signal })) },
    idStream: { stream: async function * (_, { signal }) { yield peerInfoToWire(await cluster.info({ signal })) } },
    version: { unary: async () => ({ version: cluster.version }) },
    peerAdd: { unary: async (peer, { signal }) => peerInfoToWire(await cluster.addPeer(peer, { signal })) },
    peerRemove: { unary: refuseRemoval },
    peers: { stream: async function * (_, { signal }) { for await (const peer of cluster.peers({ signal })) yield peerInfoToWire(peer) } },
    recoverLocal: {
      unary: async (cid, { signal }) => {
        if (!consensus.state.has(needed(cid))) throw new ClusterError('NOT_PINNED')
        return pinInfoToWire(await tracker.recover(needed(cid), { signal }))
      }
    },
    recoverAllLocal: {
      stream: async function * (_, { signal }) {
        for await (const batch of tracker.recoverAll({ signal })) yield * batch.map(pinInfoToWire)
      }
    },
    repoGcLocal: {
      unary: async (_, { signal }) => {
        const gc = (await cluster.repoGc({ local: true, signal })).get(cluster.peer)
        return repoGcToWire(gc ?? { peer: cluster.peer, peerName: '', keys: [], error: '' })
      }
    },
    status: { unary: async (cid, { signal }) => pinInfoToWire(await tracker.status(needed(cid), { signal })) },
    statusAll: {
      stream: async function * (filters, { signal }) {
        for await (const filter of filters) {
          for await (const batch of tracker.statusAll(filter, { signal })) yield * batch.map(pinInfoToWire)
        }
      }
    },
    recover: { unary: async (cid, { signal }) => pinInfoToWire(await tracker.recover(needed(cid), { signal })) },
    blockStream: { stream: (nodes, { signal }) => storeBlocks(nodes, ipfs, signal) },
    repoStat: {
      unary: async (_, { signal }) => {
        const { repoSize, storageMax } = await ipfs.repoStat({ signal })
        return { ...(repoSize === 0 ? {} : { repo_size: BigInt(repoSize) }), storage_max: BigInt(storageMax) }
      }
    },
    swarmPeers: { unary: async (_, { signal }) => ipfs.swarmPeers({ signal }) },
    logPin: { unary: async pin => { await consensus.put(pinFromWire(pin)); return {} } },
    logUnpin: { unary: async pin => { await consensus.remove(needed(pin.cid ?? null)); return {} } },
    addPeer: { unary: async () => ({}) },
    rmPeer: { unary: refuseRemoval }
  }
}

/** Bytes of blocks that are read while others are being stored. */
const blocksAhead = 2 * 1024 * 1024
/** What a block takes besides its content: empty ones don't come for nothing. */
const itemBytes = 1024

/** Stores a stream of blocks as it comes; there are no replies. An empty stream is an error, as in Go. */
async function * storeBlocks (
  nodes: AsyncIterable<WireRecord<typeof types.nodeWithMeta>>, ipfs: RpcHandlerDeps['ipfs'], signal: AbortSignal
): AsyncGenerator<never> {
  let count = 0
  const blocks = async function * (): AsyncGenerator<Block[]> {
    for await (const batch of readAhead(nodes, { maxBytes: blocksAhead, sizeOf: ({ data }) => (data?.byteLength ?? 0) + itemBytes })) {
      count += batch.length
      yield batch.map(({ cid, data }) => {
        if (cid == null) throw new ClusterError('INVALID_DATA', {}, { message: 'a block without a CID' })
        return { cid, bytes: data ?? new Uint8Array() }
      })
    }
  }
  await ipfs.putBlocks(blocks(), { signal })
  if (count === 0) throw invalidArgument('BlockStream: no blocks to peek in blocks channel')
}
