import { crc32 } from 'node:zlib'
import type { SegmentFile } from './files.ts'
import { decodeHeader, findMagic, longestHeader, recordLength } from './record.ts'

/**
 * What a scan meets: a record (`intact` false: its payload is damaged), or bytes that belong to no record.
 * `multihash` and `payload` are views that hold until the next step.
 */
export type Finding =
  | { kind: 'record', multihash: Buffer, offset: number, payload: Buffer, intact: boolean }
  | { kind: 'gap', offset: number, end: number }

const windowBytes = 1024 * 1024

/**
 * Reads the records of a segment between `from` (a record's beginning) and `to`. A record that reaches over `to` is part of a gap.
 * After bytes that make no sense it goes on at the next whole header.
 */
export async function * scanRecords (file: SegmentFile, range: { from: number, to: number }): AsyncGenerator<Finding> {
  const window = new Window(file, range.to)
  let at = range.from
  let gapFrom: number | undefined
  while (at < range.to) {
    const found = await recordAt(window, at)
    if (found == null) {
      gapFrom ??= at
      at = await nextCandidate(window, at + 1)
      continue
    }
    if (gapFrom != null) yield { kind: 'gap', offset: gapFrom, end: at }
    gapFrom = undefined
    yield found
    at += recordLength(found.multihash.length, found.payload.length)
  }
  if (gapFrom != null) yield { kind: 'gap', offset: gapFrom, end: range.to }
}

async function recordAt (window: Window, at: number): Promise<Finding & { kind: 'record' } | undefined> {
  const header = decodeHeader(await window.bytes(at, longestHeader), 0)
  if (header == null) return undefined
  const length = recordLength(header.multihash.length, header.payloadLength)
  const record = await window.bytes(at, length)
  if (record.length < length) return undefined
  const multihash = record.subarray(length - header.payloadLength - header.multihash.length, length - header.payloadLength)
  const payload = record.subarray(length - header.payloadLength, length)
  return { kind: 'record', multihash, offset: at, payload, intact: crc32(payload) === header.payloadCrc }
}

async function nextCandidate (window: Window, from: number): Promise<number> {
  for (let at = from; at < window.end;) {
    const bytes = await window.bytes(at, windowBytes)
    const index = findMagic(bytes, 0)
    if (index >= 0) return at + index
    // The magic may lie across the border of two windows.
    at += Math.max(1, bytes.length - 3)
  }
  return window.end
}

/** A part of the file in memory. */
class Window {
  readonly end: number
  readonly #file: SegmentFile
  #from = 0
  #bytes = Buffer.alloc(0)

  constructor (file: SegmentFile, end: number) {
    this.#file = file
    this.end = end
  }

  /** At least `wanted` bytes from `at` on (fewer at the end of the range), as a view. */
  async bytes (at: number, wanted: number): Promise<Buffer> {
    const reach = Math.min(this.end, at + wanted)
    if (at < this.#from || reach > this.#from + this.#bytes.length) {
      await this.#load(at, Math.min(this.end - at, Math.max(wanted, windowBytes)))
    }
    return this.#bytes.subarray(at - this.#from)
  }

  async #load (at: number, length: number): Promise<void> {
    const into = Buffer.allocUnsafeSlow(Math.max(0, length))
    this.#bytes = into.subarray(0, await this.#file.read(into, at))
    this.#from = at
  }
}
