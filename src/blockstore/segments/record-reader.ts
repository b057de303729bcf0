import type { Allocate } from '../blockstore.ts'
import type { SegmentFile } from './files.ts'
import type { Place } from './place.ts'
import type { QuickReads } from './quick-reads.ts'
import type { ReadRoom } from './read-room.ts'
import type { RecentChecks } from './recent-checks.ts'
import { headerLength, headerOf, isContentOf, payloadOf, recordLength, uncheckedPayloadOf } from './record.ts'

export interface RecordReaderDeps {
  folder: { use <T>(id: number, work: (file: SegmentFile) => Promise<T>): Promise<T> }
  room: ReadRoom
  /** Default: all reads go by way of the pool. */
  quick?: QuickReads
  /** For reads that nobody waits for. Default: as the others. */
  unhurried?: QuickReads
  /** Content that was found right a moment ago isn't looked at again by `readJoined`. */
  checks: RecentChecks
}

/** A block and where its record is. */
export interface PlacedBlock { place: Place, multihash: Uint8Array }

/** See `BlockReadOptions`. */
export interface RecordReadOptions { isUnchecked?: boolean | undefined, isUnhurried?: boolean | undefined }

/** Reads whole records, in bounded memory. */
export class RecordReader {
  readonly #deps: RecordReaderDeps

  constructor (deps: RecordReaderDeps) { this.#deps = deps }

  /**
   * The block of this multihash, when its record is at this place and its checksums are right; that of the header only when the caller
   * checks the content. Rejects with NOT_FOUND when the segment isn't there.
   */
  async read (
    place: Place, multihash: Uint8Array, allocate: Allocate, { isUnchecked = false, isUnhurried = false }: RecordReadOptions = {}
  ): Promise<Uint8Array | undefined> {
    const { folder, room, quick, unhurried = quick } = this.#deps
    const length = recordLength(multihash.length, place.length)
    if (!room.enter(length)) await room.turn(length)
    try {
      const memory = allocate(length)
      const record = Buffer.from(memory.buffer as ArrayBuffer, memory.byteOffset, length)
      const count = await folder.use(
        place.segment, async file => fill([record], { file, offset: place.offset }, isUnhurried ? unhurried : quick)
      )
      if (count !== record.length) return undefined
      return isUnchecked ? uncheckedPayloadOf(record, multihash) : payloadOf(record, multihash)
    } finally {
      room.leave(length)
    }
  }

  /**
   * The contents of these blocks as one, whose records lie one right behind the other: what stands between them goes to memory of its own.
   * Undefined when one of them isn't there or isn't right; of what was right a moment ago only the header is looked at. Rejects with
   * NOT_FOUND when the segment isn't there.
   */
  async readJoined (blocks: readonly PlacedBlock[], allocate: Allocate): Promise<Uint8Array | undefined> {
    const { folder, room, quick } = this.#deps
    const [first] = blocks as [PlacedBlock]
    const length = blocks.reduce((sum, { place }) => sum + place.length, 0)
    if (!room.enter(length)) await room.turn(length)
    try {
      const memory = allocate(length).subarray(0, length)
      const parts = partsOf(blocks, memory)
      const count = await folder.use(
        first.place.segment,
        async file => fill(parts.flatMap(({ head, payload }) => [head, payload]), { file, offset: first.place.offset }, quick)
      )
      const isWhole = count === length + parts.reduce((sum, { head }) => sum + head.length, 0)
      return isWhole && parts.every(part => this.#isRight(part)) ? memory : undefined
    } finally {
      room.leave(length)
    }
  }

  #isRight ({ place, multihash, head, payload }: RecordParts): boolean {
    const { checks } = this.#deps
    const header = headerOf(multihash, head)
    if (header?.payloadLength !== payload.length) return false
    if (checks.has(place)) return true
    if (!isContentOf(header, payload)) return false
    checks.add(place)
    return true
  }
}

function fill (
  into: readonly Uint8Array[], { file, offset }: { file: SegmentFile, offset: number }, quick: QuickReads | undefined
): number | Promise<number> {
  const inPool = async (): Promise<number> => file.readv(into, offset)
  return quick == null ? inPool() : quick.run(() => file.readvNow(into, offset), inPool)
}

/** Where header (with multihash) and content of a record go. */
interface RecordParts extends PlacedBlock { head: Buffer, payload: Uint8Array }

function partsOf (blocks: readonly PlacedBlock[], memory: Uint8Array): RecordParts[] {
  let at = 0
  return blocks.map(({ place, multihash }) => {
    const from = at
    at += place.length
    return { place, multihash, head: Buffer.allocUnsafe(headerLength + multihash.length), payload: memory.subarray(from, at) }
  })
}
