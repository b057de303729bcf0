import type { CID } from 'multiformats/cid'
import type { Block } from '../../blockstore/blockstore.ts'
import type { Clock, Random } from '../../base/clock.ts'
import { ClusterError, isClusterError, messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { sideBySide } from '../../base/side-by-side.ts'
import { percentEncode } from '../../base/text/percent-encode.ts'
import { parseCid } from '../../model/cid.ts'
import type { MultiaddrText, PeerId } from '../../model/cid.ts'
import type { IpfsId, RemovedKey } from '../../model/peer.ts'
import type { Pin } from '../../model/pin.ts'
import type { BlockHold, IpfsConnector, IpfsOptions, IpfsPinStatus, PinnedView, PinProgress, RepoStat } from '../ipfs.ts'
import { kuboAddress } from './address.ts'
import { uploadBlocks } from './block-upload.ts'
import type { NameResolver } from '../names.ts'
import { kuboWords } from './errors.ts'
import { kuboNames } from './names.ts'
import { PinTable } from './pinned-view.ts'
import type { PinRow, TemporaryStore } from './pinned-view.ts'
import { KuboPinner } from './pinner.ts'
import { KuboRpc } from './rpc.ts'

/** The section `ipfs_connector.ipfshttp`. Times in milliseconds; 0: no limit. */
export interface KuboInit {
  /** Where Kubo's RPC API listens: `/ip4/127.0.0.1/tcp/5001`, `/dns4/…`, `/unix/…`. */
  address: MultiaddrText
  requestTimeoutMs: number
  /** A pin fails when it makes no progress for this long. */
  pinTimeoutMs: number
  unpinTimeoutMs: number
  repoGcTimeoutMs: number
  unpinDisable: boolean
  agentVersion: string
  /** How many roots of a listing are held in memory. Default 50,000. */
  pinsInMemory?: number
}

export interface KuboDeps {
  /** An empty, started store for a moment: for listings that don't fit into memory. */
  temporaryStore: () => Promise<TemporaryStore>
  clock: Clock
  random: Random
  log: Logger
}

/** An external Kubo as the rest of the peer uses it. Its keys stay its own: names are only looked up. */
export interface KuboConnector extends IpfsConnector { readonly names: NameResolver }

const readyPollMs = 1000
const dialsAtATime = 16

/**
 * An external Kubo as this peer's IPFS node, by the same HTTP calls as Go's peer makes. It keeps no state and needs no Kubo to start: calls
 * fail with IPFS_UNAVAILABLE while Kubo is away and work again when it is back.
 *
 * What Kubo alone decides: its garbage collection takes every block that isn't pinned (holds have no effect), and its repository may grow
 * beyond StorageMax. `pinCount` is that of the last listing, and what was done since.
 */
export function kuboConnector (init: KuboInit, deps: KuboDeps): KuboConnector {
  return new ExternalKubo(init, deps)
}

class ExternalKubo implements KuboConnector {
  readonly name = 'ipfs'
  readonly abilities = { pinProgress: true }
  readonly #init: KuboInit
  readonly #deps: KuboDeps
  readonly #rpc: KuboRpc
  readonly #pinner: KuboPinner
  readonly names: NameResolver
  #pins = 0

  constructor (init: KuboInit, deps: KuboDeps) {
    this.#init = init
    this.#deps = deps
    this.#rpc = new KuboRpc({ address: kuboAddress(init.address), agentVersion: init.agentVersion }, deps)
    this.names = kuboNames(init, { rpc: this.#rpc, clock: deps.clock })
    this.#pinner = new KuboPinner(init, { rpc: this.#rpc, clock: deps.clock, log: deps.log })
  }

  async start (): Promise<void> {}
  async stop (): Promise<void> { this.#rpc.stop(new ClusterError('NOT_READY', {}, { message: 'the IPFS connector stops' })) }

  async ready ({ signal }: IpfsOptions = {}): Promise<void> {
    for (;;) {
      try {
        await this.#askId(signal)
        return
      } catch (err) {
        signal?.throwIfAborted()
        if (isClusterError(err, 'NOT_READY')) throw err
      }
      await this.#deps.clock.sleep(readyPollMs, signal)
    }
  }

  async id (): Promise<IpfsId> {
    try {
      const { ID: id, Addresses: addresses } = await this.#askId(undefined)
      return { id, addresses: addresses ?? [], error: '' }
    } catch (err) {
      return { id: '', addresses: null, error: messageOf(err) }
    }
  }

  async pin (pin: Pin, options: IpfsOptions = {}): Promise<void> {
    if (await this.#pinner.pin(pin, options)) this.#pins++
  }

  async unpin (cid: CID, { signal }: IpfsOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    if (this.#init.unpinDisable) {
      throw new ClusterError(
        'PIN_REFUSED', { cid: cid.toString() }, { message: 'ipfs unpinning is disallowed by configuration on this peer' }
      )
    }
    try {
      await this.#rpc.bytes(`pin/rm?arg=${cid.toString()}`, { signal, timeoutMs: this.#init.unpinTimeoutMs })
      this.#pins = Math.max(0, this.#pins - 1)
    } catch (err) {
      if (kuboWords(err) !== 'not pinned or pinned indirectly') throw err
    }
  }

  /** A recursive root is more than a direct pin needs: it is looked for when Kubo has no direct one. */
  async pinStatus ({ cid, maxDepth }: Pin, { signal }: IpfsOptions = {}): Promise<IpfsPinStatus> {
    const status = await this.#pinner.status(cid, maxDepth === 0 ? 'direct' : 'recursive', signal)
    return maxDepth === 0 && status === 'unpinned' ? this.#pinner.status(cid, 'recursive', signal) : status
  }

  async pinnedView ({ signal }: IpfsOptions = {}): Promise<PinnedView> {
    const table = new PinTable({ pinsInMemory: this.#init.pinsInMemory ?? 50_000 }, this.#deps)
    try {
      for (const type of ['recursive', 'direct']) {
        const rows = this.#rpc.lines<PinRow>(`pin/ls?stream=true&type=${type}`, { signal, timeoutMs: this.#init.requestTimeoutMs })
        for await (const batch of rows) await table.add(batch)
      }
      this.#pins = table.count
      return table
    } catch (err) {
      await table.close()
      throw err
    }
  }

  progress (cid: CID): PinProgress | undefined { return this.#pinner.progress(cid) }
  pinCount (): number { return this.#pins }
  async * ownRoots (): AsyncGenerator<CID[]> { /* Kubo doesn't say who made a pin */ }

  /** Kubo knows no holds. */
  hold (): BlockHold {
    return {
      put: async (blocks, options) => this.putBlocks(only(blocks), options),
      keepUntilPinned: async () => {}, handOver: () => {}, release: () => {}, [Symbol.dispose]: () => {}
    }
  }

  holdCount (): number { return 0 }

  async putBlocks (blocks: AsyncIterable<readonly Block[]>, { signal }: IpfsOptions = {}): Promise<void> {
    await uploadBlocks(blocks, { rpc: this.#rpc, random: this.#deps.random }, signal)
  }

  async getBlock (cid: CID, { signal, local = false }: IpfsOptions & { local?: boolean } = {}): Promise<Uint8Array> {
    const bytes = await this.#rpc.bytes(`block/get?arg=${cid.toString()}${local ? '&offline=true' : ''}`, this.#within(signal))
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  async resolve (path: string, { signal }: IpfsOptions = {}): Promise<CID> {
    signal?.throwIfAborted()
    const [, namespace = '', root = '', ...names] = path.split('/').filter((part, at) => at === 0 || part !== '')
    if (path.startsWith('/') && names.length === 0 && (namespace === 'ipfs' || namespace === 'ipld')) return parseCid(root)
    const { Path: resolved } = await this.#rpc.json<{ Path: string }>(`resolve?arg=${percentEncode(path)}`, this.#within(signal))
    const cid = /^\/ip(?:fs|ld)\/([^/]+)\/?$/.exec(resolved)?.[1]
    if (cid == null) {
      throw new ClusterError('IPFS_ERROR', { path, resolved }, { message: `cannot resolve ${path} to a CID: it leads to ${resolved}` })
    }
    return parseCid(cid)
  }

  async repoStat ({ signal }: IpfsOptions = {}): Promise<RepoStat> {
    const {
      RepoSize: repoSize, StorageMax: storageMax
    } = await this.#rpc.json<{ RepoSize: number, StorageMax: number }>('repo/stat?size-only=true', this.#within(signal))
    return { repoSize, storageMax, freeBytes: Math.max(0, storageMax - repoSize) }
  }

  async * repoGc ({ signal }: IpfsOptions = {}): AsyncGenerator<RemovedKey, void, undefined> {
    const rows = this.#rpc.lines<{ Key?: { '/': string } | null, Error?: string }>('repo/gc?stream-errors=true', {
      signal, timeoutMs: this.#init.repoGcTimeoutMs
    })
    for await (const batch of rows) {
      for (const { Key: key, Error: error = '' } of batch) yield { key: key?.['/'] == null ? null : parseCid(key['/']), error }
    }
  }

  async swarmPeers ({ signal }: IpfsOptions = {}): Promise<PeerId[]> {
    const { Peers: peers } = await this.#rpc.json<{ Peers: Array<{ Peer: string }> | null }>('swarm/peers', this.#within(signal))
    return [...new Set(peers?.map(({ Peer: peer }) => peer))].toSorted()
  }

  async connect (addresses: readonly MultiaddrText[], { signal }: IpfsOptions = {}): Promise<void> {
    await sideBySide(addresses, dialsAtATime, async address => this.#connectOne(address, signal))
    signal?.throwIfAborted()
  }

  async #connectOne (address: MultiaddrText, signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#rpc.bytes(`swarm/connect?arg=${encodeURIComponent(address)}`, this.#within(signal))
    } catch (err) {
      if (signal?.aborted !== true) this.#deps.log.info('an IPFS peer can not be reached', { address, err })
    }
  }

  async #askId (signal: AbortSignal | undefined): Promise<{ ID: PeerId, Addresses: MultiaddrText[] | null }> {
    return this.#rpc.json('id', this.#within(signal))
  }

  #within (signal: AbortSignal | undefined): { signal: AbortSignal | undefined, timeoutMs: number } {
    return { signal, timeoutMs: this.#init.requestTimeoutMs }
  }
}

async function * only (blocks: readonly Block[]): AsyncGenerator<readonly Block[]> { yield blocks }
