import { crc32c, crcStep, unmasked } from './crc32c.ts'
import { uncompressed } from './snappy.ts'
import { LevelReader } from './varint.ts'

/** Reads a part of a file; fewer bytes at its end. */
export type ReadAt = (offset: number, length: number) => Promise<Buffer>

/** A row of a table, the newest version of its key in it. `intact` false: it comes out of a block with a wrong checksum. */
export interface TableRow { key: Buffer, value: Buffer | undefined, sequence: number, intact: boolean }

interface Handle { offset: number, size: number }
interface Block { bytes: Buffer | undefined, intact: boolean }

const footerBytes = 48
const trailerBytes = 5
const magic = 0xdb4775248b80fb57n
const compression = { none: 0, snappy: 1 }
/** Bytes that are read at a time for a check. */
const windowBytes = 1024 * 1024

/** A sorted table of LevelDB, without LevelDB. */
export class Table {
  readonly #read: ReadAt
  readonly #sizeBytes: number

  constructor (sizeBytes: number, read: ReadAt) {
    this.#sizeBytes = sizeBytes
    this.#read = read
  }

  /** The first thing that is wrong; undefined when every block has its checksum. */
  async fault (): Promise<string | undefined> {
    const handles = await this.#handles()
    if (typeof handles === 'string') return handles
    const window = new Window(this.#read)
    let end = 0
    for (const handle of handles.toSorted((a, b) => a.offset - b.offset)) {
      if (handle.offset !== end) return `nothing is known of the bytes at ${end}`
      end += handle.size + trailerBytes
      if (end > this.#sizeBytes - footerBytes) return 'a block lies behind the end'
      if (!isIntact(await window.bytes(handle.offset, handle.size + trailerBytes))) return `a checksum is wrong at ${handle.offset}`
    }
    return end === this.#sizeBytes - footerBytes ? undefined : `nothing is known of the bytes at ${end}`
  }

  /** All rows that can be read, block by block. */
  async * rows (): AsyncGenerator<TableRow[]> {
    for (const handle of await this.#dataHandles()) {
      const block = await this.#block(handle)
      if (block.bytes == null) continue
      const rows: TableRow[] = []
      let before: Buffer | undefined
      for (const { key, value } of entries(block.bytes)) {
        const row = tableRow(key, value, block.intact)
        if (row == null || (before != null && before.equals(row.key))) continue
        before = row.key
        rows.push(row)
      }
      if (rows.length > 0) yield rows
    }
  }

  /** Of all blocks: data, index, filter, and the index of filters. */
  async #handles (): Promise<Handle[] | string> {
    const footer = await this.#footer()
    if (footer == null) return 'the end is damaged'
    const [metaindex, index] = [await this.#block(footer.metaindex), await this.#block(footer.index)]
    if (!index.intact || index.bytes == null || !metaindex.intact || metaindex.bytes == null) return 'the index is damaged'
    const data = handlesIn(index.bytes)
    const meta = handlesIn(metaindex.bytes)
    return data == null || meta == null ? 'the index is damaged' : [...data, ...meta, footer.metaindex, footer.index]
  }

  /** Without an index that can be relied on, whole blocks are looked for from the beginning. */
  async #dataHandles (): Promise<Handle[]> {
    const footer = await this.#footer()
    const index = footer == null ? undefined : await this.#block(footer.index)
    const handles = index?.intact === true && index.bytes != null ? handlesIn(index.bytes) : undefined
    return handles ?? this.#search()
  }

  /** Blocks lie one behind the other: the next begins where a checksum fits. */
  async #search (): Promise<Handle[]> {
    const bytes = await this.#read(0, this.#sizeBytes)
    const handles: Handle[] = []
    for (let at = 0; at + trailerBytes < bytes.length;) {
      const end = blockEnd(bytes, at)
      if (end == null) at++
      else {
        handles.push({ offset: at, size: end - at - trailerBytes })
        at = end
      }
    }
    return handles.filter(({ offset, size }) => !isIndex(plain(bytes.subarray(offset, offset + size + trailerBytes)).bytes, handles))
  }

  async #footer (): Promise<{ metaindex: Handle, index: Handle } | undefined> {
    if (this.#sizeBytes < footerBytes) return undefined
    const footer = await this.#read(this.#sizeBytes - footerBytes, footerBytes)
    if (footer.length < footerBytes || footer.readBigUInt64LE(40) !== magic) return undefined
    const reader = new LevelReader(footer, 0, 40)
    try {
      return { metaindex: handle(reader), index: handle(reader) }
    } catch {
      return undefined
    }
  }

  async #block ({ offset, size }: Handle): Promise<Block> {
    if (offset + size + trailerBytes > this.#sizeBytes) return { bytes: undefined, intact: false }
    return plain(await this.#read(offset, size + trailerBytes))
  }
}

/** A part of the file in memory. */
class Window {
  readonly #read: ReadAt
  #from = 0
  #bytes: Buffer = Buffer.alloc(0)

  constructor (read: ReadAt) { this.#read = read }

  async bytes (offset: number, length: number): Promise<Buffer> {
    if (offset < this.#from || offset + length > this.#from + this.#bytes.length) {
      this.#bytes = await this.#read(offset, Math.max(length, windowBytes))
      this.#from = offset
    }
    return this.#bytes.subarray(offset - this.#from, offset - this.#from + length)
  }
}

function isIntact (raw: Buffer): boolean {
  const end = raw.length - trailerBytes
  return end >= 0 && crc32c(raw, 0, end + 1) === unmasked(raw.readUInt32LE(end + 1))
}

function plain (raw: Buffer): Block {
  if (raw.length < trailerBytes) return { bytes: undefined, intact: false }
  const intact = isIntact(raw)
  const data = raw.subarray(0, raw.length - trailerBytes)
  try {
    return { bytes: raw[data.length] === compression.snappy ? uncompressed(data) : data, intact }
  } catch {
    return { bytes: undefined, intact: false }
  }
}

/** True for a block that only says where these are. */
function isIndex (block: Buffer | undefined, handles: readonly Handle[]): boolean {
  const inside = block == null ? undefined : handlesIn(block)
  const offsets = new Map(handles.map(({ offset, size }) => [offset, size]))
  return inside != null && inside.every(({ offset, size }) => offsets.get(offset) === size)
}

/** Blocks are about 4 KiB; a larger one is lost with its index. */
const searchBytes = 64 * 1024

/** Where the block at `at` ends, if one begins there. */
function blockEnd (bytes: Buffer, at: number): number | undefined {
  const limit = Math.min(bytes.length - 4, at + searchBytes)
  let crc = -1
  for (let end = at; end < limit; end++) {
    const byte = bytes[end] ?? 0
    crc = crcStep(crc, byte)
    if (byte <= compression.snappy && end > at + 8 && (~crc >>> 0) === unmasked(bytes.readUInt32LE(end + 1))) return end + trailerBytes
  }
  return undefined
}

function handle (reader: LevelReader): Handle { return { offset: reader.varint(), size: reader.varint() } }

function handlesIn (block: Buffer): Handle[] | undefined {
  try {
    return [...entries(block)].map(({ value }) => handle(new LevelReader(value)))
  } catch {
    return undefined
  }
}

/** The entries of a block; ends where they make no sense. */
function * entries (block: Buffer): Generator<{ key: Buffer, value: Buffer }> {
  const restarts = block.length < 4 ? -1 : block.readUInt32LE(block.length - 4)
  const end = block.length - 4 - 4 * restarts
  if (restarts < 0 || end < 0) return
  const reader = new LevelReader(block, 0, end)
  let key: Buffer = Buffer.alloc(0)
  try {
    while (!reader.isAtEnd) {
      const [shared, fresh, length] = [reader.varint(), reader.varint(), reader.varint()]
      if (shared > key.length) return
      key = Buffer.concat([key.subarray(0, shared), reader.take(fresh)])
      yield { key, value: reader.take(length) }
    }
  } catch (err) {
    if (!(err instanceof RangeError)) throw err
  }
}

/** A key in a table ends with the number of the change and whether it is a deletion. */
function tableRow (key: Buffer, value: Buffer, intact: boolean): TableRow | undefined {
  if (key.length < 8) return undefined
  const tag = key.readBigUInt64LE(key.length - 8)
  const type = Number(tag & 0xffn)
  if (type > 1) return undefined
  return { key: key.subarray(0, -8), value: type === 1 ? value : undefined, sequence: Number(tag >> 8n), intact }
}
