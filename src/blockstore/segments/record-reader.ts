import type { SegmentFile } from './files.ts'
import type { Place } from './place.ts'
import type { QuickReads } from './quick-reads.ts'
import type { ReadRoom } from './read-room.ts'
import { payloadOf, recordLength } from './record.ts'

export interface RecordReaderDeps {
  folder: { use <T>(id: number, work: (file: SegmentFile) => Promise<T>): Promise<T> }
  room: ReadRoom
  /** Default: all reads go by way of the pool. */
  quick?: QuickReads
}

/** Gives memory of at least so many bytes. */
export type Allocate = (bytes: number) => Uint8Array

/** Reads whole records, in bounded memory. */
export class RecordReader {
  readonly #deps: RecordReaderDeps

  constructor (deps: RecordReaderDeps) { this.#deps = deps }

  /** The block of this multihash, when its record is at this place and its checksums are right. Rejects with NOT_FOUND when the segment isn't there. */
  async read (place: Place, multihash: Uint8Array, allocate: Allocate): Promise<Uint8Array | undefined> {
    const { folder, room } = this.#deps
    const length = recordLength(multihash.length, place.length)
    if (!room.enter(length)) await room.turn(length)
    try {
      const memory = allocate(length)
      const record = Buffer.from(memory.buffer as ArrayBuffer, memory.byteOffset, length)
      const count = await folder.use(place.segment, async file => this.#fill(record, file, place.offset))
      return count === record.length ? payloadOf(record, multihash) : undefined
    } finally {
      room.leave(length)
    }
  }

  #fill (record: Buffer, file: SegmentFile, offset: number): number | Promise<number> {
    const { quick } = this.#deps
    const inPool = async (): Promise<number> => file.read(record, offset)
    return quick == null ? inPool() : quick.run(() => file.readNow(record, offset), inPool)
  }
}
