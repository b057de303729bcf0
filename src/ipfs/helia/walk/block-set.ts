import { latin1 } from '../../../base/text/latin1.ts'
import { mkdir, rm } from 'node:fs/promises'
import { ClassicLevel } from 'classic-level'
import type { Random } from '../../../base/clock.ts'
import { fingerprint } from './fingerprint.ts'
import { HashTable } from './hash-table.ts'
import type { BlockSet } from '../repository/repository.ts'

export interface BlockSetInit {
  /** A folder of its own for what doesn't fit; made when needed, removed by `close`. */
  folder: string
  /** The table in memory grows up to this. Default 32 MiB: 1.2 million blocks. While a full one is written there are two. */
  memoryBytes?: number
}

const rowsPerBatch = 10_000
const empty = new Uint8Array(0)

/**
 * Blocks as 128-bit fingerprints: a hash table in memory and, when that is full, LevelDB. Asking for what isn't there costs a look into
 * LevelDB once something was moved there, about 10 µs.
 */
export function blockSet (init: BlockSetInit, deps: { random: Random }): BlockSet { return new FingerprintSet(init, deps.random) }

const seeds = new WeakMap<Random, Uint32Array>()

/** Whoever chooses blocks must not be able to choose slots. One seed serves all sets: drawing it would cost more than a small set. */
function seedOf (random: Random): Uint32Array {
  const known = seeds.get(random)
  if (known != null) return known
  const bytes = random.bytes(16)
  const seed = new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 16))
  seeds.set(random, seed)
  return seed
}

class FingerprintSet implements BlockSet {
  readonly #folder: string
  readonly #maxSlots: number
  readonly #writeBufferBytes: number
  readonly #seed: Uint32Array
  readonly #words = new Uint32Array(4)
  readonly #key: Uint8Array
  #table: HashTable
  #moving: HashTable | undefined
  #moved: Promise<void> = Promise.resolve()
  #failed: { err: unknown } | undefined
  #level: ClassicLevel<Uint8Array, Uint8Array> | undefined
  #isFolderUsed = false

  constructor ({ folder, memoryBytes = 32 * 1024 * 1024 }: BlockSetInit, random: Random) {
    this.#folder = folder
    this.#maxSlots = memoryBytes / 16
    this.#writeBufferBytes = Math.min(16 * 1024 * 1024, Math.max(1024 * 1024, memoryBytes))
    this.#seed = seedOf(random)
    this.#table = new HashTable(this.#seed)
    this.#key = new Uint8Array(this.#words.buffer)
  }

  add (multihash: Uint8Array, kind = 0): boolean {
    fingerprint(this.#words, multihash, kind)
    if (this.#moving?.has(this.#words) === true || this.#isOnDisk()) return false
    if (!this.#table.add(this.#words)) return false
    if (this.#table.isFull() && !this.#table.grow(this.#maxSlots)) this.#makeRoom()
    return true
  }

  has (multihash: Uint8Array, kind = 0): boolean {
    fingerprint(this.#words, multihash, kind)
    return this.#table.has(this.#words) || this.#moving?.has(this.#words) === true || this.#isOnDisk()
  }

  async room (): Promise<void> {
    if (this.#moving != null) await this.#moved
    if (this.#failed != null) throw this.#failed.err
  }

  async close (): Promise<void> {
    await this.#moved
    await this.#level?.close()
    this.#level = undefined
    if (this.#isFolderUsed) await rm(this.#folder, { recursive: true, force: true })
  }

  #isOnDisk (): boolean {
    return this.#level?.status === 'open' && this.#level.getSync(this.#key) != null
  }

  #makeRoom (): void {
    // The last full table is still on its way: whoever doesn't wait for room pays with memory.
    if (this.#moving != null) {
      this.#table.grow(Infinity)
      return
    }
    this.#moving = this.#table
    this.#table = new HashTable(this.#seed)
    this.#moved = this.#move(this.#moving).then(() => { this.#moving = undefined }, err => { this.#failed = { err } })
  }

  async #move (table: HashTable): Promise<void> {
    const level = this.#level ?? await this.#open()
    this.#level = level
    let rows: Array<{ type: 'put', key: Uint8Array, value: Uint8Array }> = []
    for (const key of table.keys()) {
      rows.push({ type: 'put', key, value: empty })
      if (rows.length < rowsPerBatch) continue
      await level.batch(rows)
      rows = []
    }
    await level.batch(rows)
  }

  async #open (): Promise<ClassicLevel<Uint8Array, Uint8Array>> {
    const folder = this.#folder
    this.#isFolderUsed = true
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    const level = new ClassicLevel<Uint8Array, Uint8Array>(folder, {
      keyEncoding: 'view', valueEncoding: 'view', compression: false, writeBufferSize: this.#writeBufferBytes
    })
    await level.open()
    return level
  }
}

/** A block set in memory alone, some 100 bytes a block: for walks that know they are small. */
export function plainBlockSet (): BlockSet {
  const keys = new Set<string>()
  return {
    add: (multihash, kind = 0) => {
      const before = keys.size
      return keys.add(keyOf(multihash, kind)).size > before
    },
    has: (multihash, kind = 0) => keys.has(keyOf(multihash, kind)),
    room: async () => {},
    close: async () => {}
  }
}

const keyOf = (multihash: Uint8Array, kind: number): string => `${kind} ${latin1(multihash)}`
