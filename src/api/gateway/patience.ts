import type { Clock } from '../../base/clock.ts'
import type { BufferPool } from '../../base/buffer-pool.ts'
import { ClusterError, isClusterError } from '../../base/errors.ts'
import type { GetBlockOptions } from '../../ipfs/ipfs.ts'
import type { CID } from '../../model/cid.ts'
import { Refusal } from './refusal.ts'

export interface PatienceInit {
  /** How long the first block of an answer may take, and each later one. Milliseconds. */
  firstBlockMs: number
  blockMs: number
  /** How long a whole answer may take. Milliseconds. */
  requestMs: number
}

export interface PatienceDeps {
  getBlock: (cid: CID, options: GetBlockOptions) => Promise<Uint8Array>
  /** Memory for leaves: whoever sends them gives it back. */
  buffers: BufferPool
  clock: Clock
}

/** `local`: nothing is fetched. `ifCached`: and what isn't here is 412. */
export interface BlockRules { local: boolean, ifCached: boolean }

const identity = 0
const raw = 0x55

/** The blocks of one request, each within its time. */
export class Patience {
  readonly #init: PatienceInit
  readonly #deps: PatienceDeps
  readonly #rules: BlockRules
  readonly #abort = new AbortController()
  readonly #cancel: () => void
  readonly #allocate: (bytes: number) => Uint8Array
  #isFirst = true

  constructor (init: PatienceInit, deps: PatienceDeps, rules: BlockRules) {
    this.#init = init
    this.#deps = deps
    this.#rules = rules
    this.#allocate = bytes => deps.buffers.allocate(bytes)
    this.#cancel = deps.clock.after(init.requestMs, () => this.end(new ClusterError('TIMEOUT', {}, { message: 'the answer takes too long' })))
  }

  get signal (): AbortSignal { return this.#abort.signal }

  /** Aborts what is still being waited for. */
  end (reason: Error): void {
    this.#cancel()
    this.#abort.abort(reason)
  }

  async get (cid: CID): Promise<Uint8Array> {
    if (cid.multihash.code === identity) return cid.multihash.digest
    const { signal } = this.#abort
    signal.throwIfAborted()
    const limitMs = this.#isFirst ? this.#init.firstBlockMs : this.#init.blockMs
    const cancel = this.#deps.clock.after(limitMs, () => {
      this.end(new ClusterError('TIMEOUT', { cid: cid.toString() }, { message: `the block ${cid.toString()} did not come within ${limitMs / 1000} s: nobody who has it could be reached, try again later` }))
    })
    try {
      // links of other blocks are views of their bytes, which must stay
      const bytes = await this.#deps.getBlock(cid, cid.code === raw ? { signal, local: this.#rules.local, allocate: this.#allocate } : { signal, local: this.#rules.local })
      this.#isFirst = false
      return bytes
    } catch (err) {
      signal.throwIfAborted()
      if (this.#rules.ifCached && isClusterError(err, 'BLOCK_MISSING')) throw new Refusal(412, `${cid.toString()} is not here, and only-if-cached was asked for`, [], { cause: err })
      throw err
    } finally {
      cancel()
    }
  }
}
