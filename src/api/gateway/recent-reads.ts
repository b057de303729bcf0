import { hashKey } from '../../blockstore/map-key.ts'
import type { CID } from '../../model/cid.ts'
import { dagPbCodec } from '../../model/multicodec.ts'

/** Larger blocks are leaves of files, whose memory is used again. Bytes. */
const largestBytes = 16 * 1024
/** Nodes above them stay, too: each range of a file begins there. */
const nodeBytes = 64 * 1024
/** What a node takes with its links read, which stay with its bytes; by bytes. */
const linksCost = 8

export interface RecentReadsInit {
  maxBytes: number
  /** How long a block is taken from here. Short: what a collection or a denylist takes away must be gone. Milliseconds. */
  keepMs: number
}

interface Entry { bytes: Uint8Array, until: number, cost: number }

/** Small blocks that were read a moment ago: hot files and the directories above them cost no disk. */
export class RecentReads {
  readonly #init: RecentReadsInit
  readonly #entries = new Map<string, Entry>()
  #bytes = 0

  constructor (init: RecentReadsInit) { this.#init = init }

  get (cid: CID, now: number): Uint8Array | undefined {
    const key = hashKey(cid)
    const entry = this.#entries.get(key)
    if (entry == null || entry.until > now) return entry?.bytes
    this.#remove(key, entry)
    return undefined
  }

  add (cid: CID, bytes: Uint8Array, now: number): void {
    if (bytes.length > (cid.code === dagPbCodec ? nodeBytes : largestBytes)) return
    const key = hashKey(cid)
    const before = this.#entries.get(key)
    if (before != null) this.#remove(key, before)
    const cost = bytes.length * (cid.code === dagPbCodec ? linksCost : 1) + entryBytes
    this.#entries.set(key, { bytes, until: now + this.#init.keepMs, cost })
    this.#bytes += cost
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= this.#init.maxBytes) return
      this.#remove(oldest, entry)
    }
  }

  #remove (key: string, { cost }: Entry): void {
    this.#entries.delete(key)
    this.#bytes -= cost
  }
}

/** What an entry takes beside its block. */
const entryBytes = 300
