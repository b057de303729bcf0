import { join } from 'node:path'
import type { CID } from 'multiformats/cid'
import type { Clock } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import { Mutex } from '../../base/mutex.ts'
import { freshStore } from '../../leveldb/fresh-store.ts'
import { GuardedFiles } from '../../leveldb/guarded-files.ts'
import type { ListLocks } from '../../leveldb/guarded-files.ts'
import { rescue } from '../../leveldb/rescue.ts'
import type { Block, Blockstore, BlockPutOptions, BlockstoreOptions } from '../blockstore.ts'
import { claimFolder } from '../format-file.ts'
import { identityBytes, isIdentity } from '../identity.ts'
import { mapKey } from '../map-key.ts'
import type { LevelRow } from '../self-repairing-level.ts'
import { SelfRepairingLevel } from '../self-repairing-level.ts'
import { OpenGate } from '../open-gate.ts'

const format = { format: 'helia-cluster-level-blocks', version: 1 }

export interface LevelBlockstoreInit {
  folder: string
  /** Default 64 MiB: LevelDB's own 4 MiB make it four times slower with blocks as values. Up to two are held in memory. */
  writeBufferBytes?: number
  /** Default 16 MiB. */
  cacheBytes?: number
}

export interface LevelBlockstoreDeps {
  log: Logger
  /** Dates the folder of damaged files. */
  clock: Pick<Clock, 'now' | 'sleep'>
  /** Damage was found while the store is in use; a new start deals with it. */
  damaged? (err: ClusterError): void
  /** See ListLocks. */
  locks?: ListLocks | undefined
}

/** Blocks as values of one LevelDB: the fallback where segment files can't be used, and their test twin. */
export function levelBlockstore (
  init: LevelBlockstoreInit, deps: LevelBlockstoreDeps
): Blockstore { return new LevelBlockstore(init, deps) }

/** Rows: `b` + multihash → bytes; `l` + multihash → length as 4 bytes, so that look-ups don't read blocks; `t` → totals. */
const prefix = { block: 0x62, length: 0x6c, totals: 0x74 }
const rowOverheadBytes = 100

class LevelBlockstore implements Blockstore {
  readonly name = 'blockstore'
  readonly #init: LevelBlockstoreInit
  readonly #level: SelfRepairingLevel
  readonly #gate = new OpenGate('the block store')
  #sizeBytes = 0
  /** Changes run one after the other. */
  readonly #mutex = new Mutex()

  readonly #files: GuardedFiles
  readonly #log: Logger
  #lostBlocks = 0
  #isRescued = false

  constructor (init: LevelBlockstoreInit, deps: LevelBlockstoreDeps) {
    const folder = join(init.folder, 'blocks')
    const sizes = { writeBufferBytes: init.writeBufferBytes ?? 64 * 1024 * 1024, cacheBytes: init.cacheBytes ?? 16 * 1024 * 1024 }
    this.#init = init
    this.#log = deps.log
    this.#level = new SelfRepairingLevel({ folder, ...sizes, remedy: 'move it away and start again; the peer fetches what is pinned' })
    this.#files = new GuardedFiles({ folder, what: 'the block store' }, {
      ...deps,
      replace: async ({ keptAt, text, found }) => {
        this.#log.error(
          `the block store ${folder} is damaged (${text}): a new one is made of what can be read, the damaged files are kept in ${keptAt}`
        )
        const { doubtful } = await rescue(
          { folder, keptAt, proven: () => false }, found, async () => freshStore({ folder, ...sizes, compression: false }), () => []
        )
        this.#lostBlocks = Math.max(1, doubtful)
        this.#isRescued = true
      }
    })
  }

  async start (): Promise<void> {
    if (await claimFolder(this.#init.folder, format)) {
      this.#log.warn('version.json was damaged and is written again', { folder: this.#init.folder })
    }
    await this.#files.opened(async () => this.#level.open())
    this.#files.checkLater()
    if (this.#isRescued) await this.#match()
    const totals = this.#level.db.getSync(totalsKey)
    this.#sizeBytes = totals == null ? 0 : new DataView(totals.buffer, totals.byteOffset).getFloat64(0)
    this.#gate.open()
  }

  async stop (): Promise<void> {
    if (!await this.#gate.close()) return
    await this.#mutex.idle()
    await this.#files.endCheck()
    const isSafe = await this.#level.batch(
      [{ type: 'put', key: totalsKey, value: totalsValue(this.#sizeBytes) }], { sync: true }
    ).then(() => true, () => false)
    await this.#level.close()
    if (isSafe) await this.#files.mark.seal()
    else this.#files.mark.end()
  }

  lostBlocks (): number { return this.#lostBlocks }

  /** After a rescue: blocks and their lengths belong together, and the total is theirs. */
  async #match (): Promise<void> {
    const { db } = this.#level
    let bytes = 0
    for await (const [key] of db.iterator(rowsOf(prefix.length))) {
      if (await db.get(turned(key, prefix.block)) == null) await this.#level.batch([{ type: 'del', key }])
    }
    for await (const [key, value] of db.iterator(rowsOf(prefix.block))) {
      bytes += value.length + rowOverheadBytes
      await this.#level.batch([{ type: 'put', key: turned(key, prefix.length), value: lengthValue(value.length) }])
    }
    await this.#level.batch([{ type: 'put', key: totalsKey, value: totalsValue(bytes) }], { sync: true })
    this.#isRescued = false
  }

  async put (blocks: readonly Block[], options: BlockPutOptions = {}): Promise<void> {
    await this.#change(options, () => {
      const fresh = new Map<string, Block>()
      for (const block of blocks) {
        if (!isIdentity(block.cid) && this.#storedLength(block.cid) == null) fresh.set(mapKey(block.cid.multihash.bytes), block)
      }
      const rows = [...fresh.values()].flatMap(({ cid, bytes }): LevelRow[] => [
        { type: 'put', key: keyOf(prefix.block, cid), value: bytes },
        { type: 'put', key: keyOf(prefix.length, cid), value: lengthValue(bytes.length) }
      ])
      return { rows, growBytes: [...fresh.values()].reduce((sum, { bytes }) => sum + bytes.length + rowOverheadBytes, 0) }
    }, options.sync)
  }

  async delete (cids: readonly CID[], options: BlockstoreOptions = {}): Promise<void> {
    await this.#change(options, () => {
      const gone = new Map(
        cids.filter(cid => !isIdentity(cid) && this.#storedLength(cid) != null).map(cid => [mapKey(cid.multihash.bytes), cid])
      )
      const rows = [...gone.values()].flatMap(
        (cid): LevelRow[] => [prefix.block, prefix.length].map(kind => ({ type: 'del', key: keyOf(kind, cid) }))
      )
      return { rows, growBytes: [...gone.values()].reduce((sum, cid) => sum - (this.#storedLength(cid) ?? 0) - rowOverheadBytes, 0) }
    })
  }

  async get (cid: CID, options: BlockstoreOptions = {}): Promise<Uint8Array | undefined> {
    return await this.#gate.pass(async () => {
      options.signal?.throwIfAborted()
      return identityBytes(cid) ?? await this.#level.db.get(keyOf(prefix.block, cid), { fillCache: false }).catch(err => {
        throw new ClusterError(
          'INVALID_DATA', { folder: this.#init.folder }, { message: `a block in ${this.#init.folder} can't be read`, cause: err }
        )
      })
    })
  }

  has (cid: CID): boolean { return this.sizeOf(cid) != null }

  sizeOf (cid: CID): number | undefined {
    this.#gate.check()
    return identityBytes(cid)?.length ?? this.#storedLength(cid)
  }

  async sync (): Promise<void> {
    await this.#change({}, () => ({ rows: [], growBytes: 0 }), true)
  }

  async * multihashes (options: BlockstoreOptions = {}): AsyncGenerator<Uint8Array[]> {
    this.#gate.check()
    for await (const batch of this.#level.keys({ gte: Uint8Array.of(prefix.length), lt: Uint8Array.of(prefix.length + 1) })) {
      options.signal?.throwIfAborted()
      yield batch.map(key => key.subarray(1))
      this.#gate.check()
    }
  }

  sizeBytes (): number {
    this.#gate.check()
    return this.#sizeBytes
  }

  #storedLength (cid: CID): number | undefined {
    const value = this.#level.db.getSync(keyOf(prefix.length, cid))
    return value == null ? undefined : new DataView(value.buffer, value.byteOffset).getUint32(0)
  }

  async #change ({ signal }: BlockstoreOptions, plan: () => { rows: LevelRow[], growBytes: number }, sync = false): Promise<void> {
    await this.#gate.pass(async () => this.#mutex.run(async () => {
      signal?.throwIfAborted()
      const { rows, growBytes } = plan()
      if (rows.length === 0 && !sync) return
      await this.#level.batch([...rows, { type: 'put', key: totalsKey, value: totalsValue(this.#sizeBytes + growBytes) }], { sync })
      this.#sizeBytes += growBytes
    }))
  }
}

const rowsOf = (kind: number): { gte: Uint8Array, lt: Uint8Array } => ({ gte: Uint8Array.of(kind), lt: Uint8Array.of(kind + 1) })

/** The row of the other kind for the same block. */
function turned (key: Uint8Array, kind: number): Uint8Array {
  const other = Uint8Array.from(key)
  other[0] = kind
  return other
}

const totalsKey = Uint8Array.of(prefix.totals)

function keyOf (kind: number, cid: CID): Uint8Array {
  const multihash = cid.multihash.bytes
  const key = Buffer.allocUnsafe(multihash.length + 1)
  key[0] = kind
  key.set(multihash, 1)
  return key
}

function lengthValue (length: number): Uint8Array {
  const value = Buffer.allocUnsafe(4)
  value.writeUInt32BE(length)
  return value
}

function totalsValue (bytes: number): Uint8Array {
  const value = Buffer.allocUnsafe(8)
  value.writeDoubleBE(bytes)
  return value
}
