import type { Clock } from '../../src/base/clock.ts'
import { ClusterError } from '../../src/base/errors.ts'
import type { ClusterApi } from '../../src/cluster/cluster-api.ts'
import type { IpfsConnector } from '../../src/ipfs/ipfs.ts'
import type { PeerId } from '../../src/model/cid.ts'
import type { RemoteOptions, RemotePeers } from '../../src/network/remote-peers.ts'
import type { PinTracker } from '../../src/tracker/tracker.ts'

/** What other peers may ask of one peer. */
export interface PeerApi {
  trusts (peer: PeerId): boolean
  readonly cluster: Pick<ClusterApi, 'info' | 'repoGc'>
  readonly tracker: Pick<PinTracker, 'status' | 'statusAll' | 'recover' | 'recoverAll'>
  readonly ipfs: Pick<IpfsConnector, 'putBlocks' | 'repoStat' | 'swarmPeers'>
}

interface There { readonly services: PeerApi, readonly isGone: boolean }

export interface SimRemotesDeps {
  clock: Clock
  self: PeerId
  /** Brings a call to a peer; nothing happens when it is lost. */
  carry: (to: PeerId, arrive: (there: There) => void) => void
  /** Brings the answer back. */
  answer: (there: There, arrive: () => void) => void
}

/** When a call or its answer was lost, the stream is found to be broken. */
const lostAfterMs = 10_000

type Policy = 'open' | 'trusted'

/** `RemotePeers` over the simulated network, with Go's policies (rpc_policy.go). */
export function simRemotes (deps: SimRemotesDeps): RemotePeers {
  const call = async <T>(to: PeerId, policy: Policy, act: (api: PeerApi) => Promise<T>, { signal }: RemoteOptions = {}): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const cancel = deps.clock.after(
      lostAfterMs, () => reject(new ClusterError('PEER_UNREACHABLE', { peer: to }, { message: 'stream reset' }))
    )
    const onAbort = (): void => reject(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted === true) onAbort()
    else {
      deps.carry(to, there => {
        serve(there, policy, act).then(
          value => deps.answer(there, () => resolve(value)),
          err => deps.answer(there, () => reject(err)))
      })
    }
    return promise.finally(() => {
      cancel()
      signal?.removeEventListener('abort', onAbort)
    })
  }
  const serve = async <T>(there: There, policy: Policy, act: (api: PeerApi) => Promise<T>): Promise<T> => {
    if (policy === 'trusted' && !there.services.trusts(deps.self)) throw new ClusterError('NOT_AUTHORIZED')
    return act(there.services)
  }
  const stream = async function * <T>(to: PeerId, act: (api: PeerApi) => AsyncIterable<T>, options?: RemoteOptions): AsyncGenerator<T> {
    yield * await call(to, 'trusted', async api => gathered(act(api)), options)
  }
  return {
    info: (peer, options) => call(peer, 'open', async ({ cluster }) => cluster.info(), options),
    status: (peer, cid, options) => call(peer, 'trusted', async ({ tracker }) => tracker.status(cid), options),
    statusAll: (peer, filter, options) => stream(peer, ({ tracker }) => tracker.statusAll(filter), options),
    recover: (peer, cid, options) => call(peer, 'trusted', async ({ tracker }) => tracker.recover(cid), options),
    recoverAll: (peer, options) => stream(peer, ({ tracker }) => tracker.recoverAll(), options),
    repoGc: (peer, options) => call(peer, 'trusted', async ({ cluster }) => {
      const [row] = (await cluster.repoGc({ local: true })).values()
      if (row == null) throw new ClusterError('INTERNAL')
      return row
    }, options),
    repoStat: (peer, options) => call(peer, 'trusted', async ({ ipfs }) => ipfs.repoStat(), options),
    swarmPeers: (peer, options) => call(peer, 'trusted', async ({ ipfs }) => ipfs.swarmPeers(), options),
    putBlocks: (peer, blocks, options) => call(peer, 'trusted', async ({ ipfs }) => ipfs.putBlocks(blocks), options)
  }
}

async function gathered<T> (batches: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const batch of batches) all.push(batch)
  return all
}
