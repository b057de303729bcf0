import { base32 } from '../../../src/base/text/base32.ts'
import type { Random } from '../../../src/base/clock.ts'
import type { ClusterClient } from '../../../src/client/client.ts'
import { ApiError } from '../../../src/client/errors.ts'
import type { Operation } from './mix.ts'

/** What the bench uses of the client; tests put their own in its place. */
export type BenchClient = Pick<ClusterClient, 'add' | 'pin' | 'status' | 'allocations' | 'unpin'>

/** All pins of any bench are called like that. */
export const namePrefix = 'ctl-bench-'

export interface RequestsInit {
  /** The name of all pins of this run. */
  name: string
  /** Of each file that is added. */
  sizeBytes: number
}

export interface RequestsDeps { client: BenchClient, random: Random }

/** A request that is ready to be sent. */
export type Request = (signal: AbortSignal) => Promise<void>

/** The requests of a run, and what they have left in the cluster. */
export class Requests {
  readonly pins = new OwnPins()
  /** An answer to an upload is missing: what it pinned can be found by its name only. */
  mayHoldMore = false
  /** Pins that were asked for without an answer that they are there. */
  unsure = 0
  readonly #init: RequestsInit
  readonly #deps: RequestsDeps

  constructor (init: RequestsInit, deps: RequestsDeps) {
    this.#init = init
    this.#deps = deps
  }

  get name (): string { return this.#init.name }

  /** What has to be there first is made here, so that sending the request is nothing but the request. */
  async prepare (operation: Operation, signal: AbortSignal): Promise<Request> {
    const needsPin = operation === 'status' || operation === 'unpin'
    if (needsPin && this.pins.count === 0) await this.#pin(this.#emptyCid(), signal)
    if (operation === 'add') return this.#addition()
    if (operation === 'pin') {
      const cid = this.#emptyCid()
      return async signal => this.#pin(cid, signal)
    }
    if (operation === 'status') {
      const cid = this.pins.look(this.#deps.random.float()) ?? this.#emptyCid()
      return async signal => { await this.#deps.client.status(cid, { signal }) }
    }
    if (operation === 'list') return async signal => { for await (const _ of this.#deps.client.allocations({ signal })); }
    const cid = this.pins.take(this.#deps.random.float())
    if (cid != null) return async signal => this.unpin(cid, signal)
    const none = this.#emptyCid()
    return async signal => this.#unpinNone(none, signal)
  }

  /** What is gone already is no error. A pin that stays is known as before. */
  async unpin (cid: string, signal?: AbortSignal): Promise<void> {
    try {
      await this.#deps.client.unpin(cid, signal == null ? {} : { signal })
    } catch (err) {
      if ((err as { status?: number }).status === 404) return
      this.pins.put(cid)
      throw err
    }
  }

  /** Others have taken all pins meanwhile: what isn't there is asked for, and is no pin of this run when that fails. */
  async #unpinNone (cid: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#deps.client.unpin(cid, { signal })
    } catch (err) {
      if ((err as { status?: number }).status !== 404) throw err
    }
  }

  async #pin (cid: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#deps.client.pin(cid, { name: this.#init.name, signal })
    } catch (err) {
      if (mayBeHeard(err)) {
        this.unsure++
        this.pins.put(cid)
      }
      throw err
    }
    this.pins.put(cid)
  }

  #addition (): Request {
    const { client, random } = this.#deps
    const content = random.bytes(this.#init.sizeBytes)
    return async signal => {
      let root: string | undefined
      try {
        for await (const { cid } of client.add([{ path: 'bench', content }], { name: this.#init.name, signal })) root = cid ?? root
      } catch (err) {
        if (root == null && mayBeHeard(err)) this.mayHoldMore = true
        throw err
      } finally {
        if (root != null) this.pins.put(root)
      }
    }
  }

  /** A CID with the content inside (identity, 32 random bytes): nothing has to be fetched, so it is the cluster that is measured. */
  #emptyCid (): string {
    const content = this.#deps.random.bytes(32)
    return `b${base32(new Uint8Array([1, 0x55, 0, content.length, ...content]))}`
  }
}

/** Before anything was sent. */
const unreached = new Set(['ECONNREFUSED', 'ENOENT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'])

/**
 * Whether what was asked for may have been done all the same: whoever got no answer may have been heard. Not where there was no connection,
 * and where the peer said that it doesn't take such a request.
 */
function mayBeHeard (err: unknown): boolean {
  if (!(err instanceof ApiError)) return true
  const { code } = (err.cause ?? {}) as { code?: unknown }
  return err.status === 0 ? !(typeof code === 'string' && unreached.has(code)) : err.status < 400 || err.status >= 500
}

/** What a load has pinned and not taken away yet. */
export class OwnPins {
  readonly #cids: string[] = []

  get count (): number { return this.#cids.length }

  put (cid: string): void { this.#cids.push(cid) }

  /** One of them; `position` from 0 to 1 (exclusive). Undefined: there is none. */
  look (position: number): string | undefined { return this.#cids[Math.floor(position * this.#cids.length)] }

  /** The same, and nobody else gets it. */
  take (position: number): string | undefined {
    const at = Math.floor(position * this.#cids.length)
    const taken = this.#cids[at]
    const last = this.#cids.pop()
    if (last != null && at < this.#cids.length) this.#cids[at] = last
    return taken
  }
}
