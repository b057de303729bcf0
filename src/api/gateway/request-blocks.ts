import type { BufferPool } from '../../base/buffer-pool.ts'
import type { Clock } from '../../base/clock.ts'
import { orAborted } from '../../base/clock.ts'
import { ClusterError, isClusterError } from '../../base/errors.ts'
import type { JoinedRead, SizedBlock } from '../../blockstore/blockstore.ts'
import type { FetchBlockOptions, GetBlockOptions, IpfsConnector } from '../../ipfs/ipfs.ts'
import { parseCid } from '../../model/cid.ts'
import type { CID } from '../../model/cid.ts'
import { identityHash, rawCodec } from '../../model/multicodec.ts'
import type { RecentReads } from './recent-reads.ts'
import { notCached } from './answer/refusal.ts'

export interface RequestBlocksInit {
  /** How long the first block of an answer may take, and each later one. Milliseconds. */
  firstBlockMs: number
  blockMs: number
  /** How long a whole answer may take. Milliseconds. */
  requestMs: number
}

export interface RequestBlocksDeps {
  getBlock: (cid: CID, options: GetBlockOptions) => Promise<Uint8Array>
  /** As the connector's; undefined where nothing can be fetched ahead. */
  prefetch: ((cid: CID, options: FetchBlockOptions) => Promise<void> | undefined) | undefined
  /** As the connector's; undefined where blocks come one by one. */
  joined: IpfsConnector['joined']
  /** Memory for leaves: whoever sends them gives it back. */
  buffers: BufferPool
  recent: RecentReads
  /** Blocks below this root are being made here: resolves when no more come. Undefined where none are. */
  pendingImport?: ((root: CID) => Promise<void> | undefined) | undefined
  clock: Clock
}

/** `local`: nothing is fetched. `ifCached`: and what isn't here is 412. */
export interface BlockRules { local: boolean, ifCached: boolean }

/** The blocks of one request: each by its deadline, all by the request's. Costs nothing until one has to be read. */
export class RequestBlocks {
  readonly #init: RequestBlocksInit
  readonly #deps: RequestBlocksDeps
  readonly #rules: BlockRules
  #abort: AbortController | undefined
  #cancel: (() => void) | undefined
  #ended: Error | undefined
  #isFirst = true
  #root: string | undefined
  #rootCid: CID | undefined

  constructor (init: RequestBlocksInit, deps: RequestBlocksDeps, rules: BlockRules) {
    this.#init = init
    this.#deps = deps
    this.#rules = rules
  }

  get signal (): AbortSignal {
    this.#abort ??= this.#begin()
    return this.#abort.signal
  }

  get isEnded (): boolean { return this.#ended != null }

  /** From now on blocks are looked for where the pinset says that this root is. */
  below (root: string): void {
    this.#root = root
    this.#rootCid = undefined
  }

  /** Has a block fetched that will be read soon; undefined when it is here. */
  prefetch (cid: CID): Promise<void> | undefined {
    const { prefetch } = this.#deps
    if (prefetch == null || this.#rules.local || cid.multihash.code === identityHash) return undefined
    return prefetch(cid, this.#placed({ signal: this.signal }))
  }

  /** Leaves that are here and can be read in one go, within the time of one block. */
  joined (leaves: readonly SizedBlock[]): JoinedRead | undefined {
    const found = this.#deps.joined?.(leaves, bytes => this.#deps.buffers.allocate(bytes))
    if (found == null) return undefined
    const { cid } = leaves[0] as SizedBlock
    return { count: found.count, read: async () => this.#inTime(cid, async () => found.read()) }
  }

  /** Aborts what is still being waited for. */
  end (reason: Error): void {
    this.#ended ??= reason
    this.#cancel?.()
    this.#abort?.abort(reason)
  }

  async get (cid: CID): Promise<Uint8Array> {
    if (cid.multihash.code === identityHash) return cid.multihash.digest
    return this.#deps.recent.get(cid, this.#deps.clock.elapsed()) ?? this.#read(cid)
  }

  /** The block when it is here and may be shown. */
  async peek (cid: CID): Promise<Uint8Array | undefined> {
    if (cid.multihash.code === identityHash) return cid.multihash.digest
    const { signal } = this
    signal.throwIfAborted()
    return this.#deps.recent.get(cid, this.#deps.clock.elapsed()) ?? this.#deps.getBlock(cid, { signal, local: true }).catch(err => {
      if (isClusterError(err)) return undefined
      throw err
    })
  }

  async #read (cid: CID): Promise<Uint8Array> {
    const { signal } = this
    signal.throwIfAborted()
    const pendingImport = this.#rules.ifCached ? undefined : this.#deps.pendingImport?.(this.#placed<FetchBlockOptions>({}).root ?? cid)
    if (pendingImport != null) await orAborted(pendingImport, signal)
    return this.#inTime(cid, async () => {
      const bytes = await this.#deps.getBlock(cid, this.#options(cid, signal))
      this.#deps.recent.add(cid, bytes, this.#deps.clock.elapsed())
      return bytes
    })
  }

  async #inTime<T> (cid: CID, read: () => Promise<T>): Promise<T> {
    const { signal } = this
    signal.throwIfAborted()
    const limitMs = this.#isFirst ? this.#init.firstBlockMs : this.#init.blockMs
    const cancel = this.#deps.clock.after(limitMs, () => this.end(tooLate(cid, limitMs)))
    try {
      const came = await read()
      this.#isFirst = false
      return came
    } catch (err) {
      signal.throwIfAborted()
      if (this.#rules.ifCached && isClusterError(err, 'BLOCK_MISSING')) {
        throw notCached(cid.toString(), { cause: err })
      }
      throw err
    } finally {
      cancel()
    }
  }

  /** Links of other blocks than raw ones are views of their bytes: those must stay. */
  #options (cid: CID, signal: AbortSignal): GetBlockOptions {
    const options: GetBlockOptions = this.#placed({ signal, local: this.#rules.local, untilNobody: true })
    if (cid.code === rawCodec) options.allocate = bytes => this.#deps.buffers.allocate(bytes)
    return options
  }

  #placed<T extends FetchBlockOptions> (options: T): T {
    if (this.#root != null) options.root = this.#rootCid ??= parseCid(this.#root)
    return options
  }

  #begin (): AbortController {
    const abort = new AbortController()
    if (this.#ended != null) abort.abort(this.#ended)
    else this.#cancel = this.#deps.clock.after(this.#init.requestMs, () => this.end(answerTooLong()))
    return abort
  }
}

const answerTooLong = (): ClusterError => new ClusterError('TIMEOUT', {}, { message: 'the answer takes too long' })

const tooLate = (cid: CID, limitMs: number): ClusterError => new ClusterError('TIMEOUT', { cid: cid.toString() }, {
  message: `the block ${cid.toString()} did not come within ${limitMs / 1000} s: no peer that has it could be reached, try again later`
})
