import { ClusterError, invalidArgument } from '../../base/errors.ts'
import type { UploadEntry } from '../../model/add.ts'

/** Staging keys of tars end so. The key is ours, so nobody's bytes decide how they are read. */
export const tarKeyEnd = '-tar'

const block = 512
/** Of a header that only names the next entry. */
const mostNameBytes = 64 * 1024
const longestPath = 4096

interface Header { type: string, path: string, sizeBytes: number }

/**
 * What a tar has in it, for the importer: files and directories, in their order. USTAR with PAX (`path`, `size`) and GNU's long names; the
 * directory that uploads in several requests come as. INVALID_ARGUMENT for what is no tar, breaks off, has links or devices, or a path that
 * leads out of it. `onContent` is told of the bytes of files.
 */
export async function * tarEntries (
  bytes: AsyncIterable<Uint8Array>, { onContent = () => {} }: { onContent?: (bytes: number) => void } = {}
): AsyncGenerator<UploadEntry, void, undefined> {
  const reader = new TarReader(bytes)
  try {
    let named: { path?: string, sizeBytes?: number } = {}
    for (let header = await reader.header(); header != null; header = await reader.header()) {
      const { type, sizeBytes } = header
      if (type === 'x') named = { ...named, ...paxOf(await reader.text(sizeBytes)) }
      else if (type === 'L') named = { ...named, path: (await reader.text(sizeBytes)).replace(/\0.*$/s, '') }
      else if (type === 'g') await reader.text(sizeBytes)
      else {
        yield * entryOf({ ...header, ...named }, reader, onContent)
        named = {}
      }
    }
  } finally {
    await reader.close()
  }
}

async function * entryOf (
  { type, path, sizeBytes }: Header, reader: TarReader, onContent: (bytes: number) => void
): AsyncGenerator<UploadEntry, void, undefined> {
  const clean = cleanPath(path)
  if (type === '5') {
    if (clean !== '') yield { kind: 'directory', path: clean }
    return
  }
  if (type !== '0' && type !== '\0' && type !== '7') {
    throw invalidArgument('the archive has something else than files and directories in it')
  }
  if (clean === '') throw invalidArgument('a file of the archive has no name')
  const content = reader.content(sizeBytes, onContent)
  yield { kind: 'file', path: clean, content }
  // what the importer has left
  for await (const _piece of content) { /* goes on behind it */ }
}

/** Without empty and `.` steps. */
function cleanPath (path: string): string {
  if (path.length > longestPath) throw invalidArgument('a path of the archive is too long')
  if (path.includes('\0')) throw invalidArgument('a name has the character U+0000')
  const steps = path.split('/').filter(step => step !== '' && step !== '.')
  if (steps.includes('..')) throw invalidArgument('a path of the archive leads out of it')
  return steps.join('/')
}

class TarReader {
  readonly #pieces: AsyncIterator<Uint8Array>
  #piece: Uint8Array = new Uint8Array(0)
  /** Of the entry's content, with what fills its last block. */
  #left = 0
  #padding = 0

  constructor (bytes: AsyncIterable<Uint8Array>) { this.#pieces = bytes[Symbol.asyncIterator]() }

  /** The next one; undefined at the end. */
  async header (): Promise<Header | undefined> {
    await this.#skip(this.#left + this.#padding)
    const bytes = await this.#exactly(block)
    if (bytes.every(byte => byte === 0)) {
      // whatever stands behind the end
      while (await this.#more()) this.#piece = new Uint8Array(0)
      return undefined
    }
    const header = headerOf(bytes)
    this.#left = header.sizeBytes
    this.#padding = (block - header.sizeBytes % block) % block
    return header
  }

  /** All of a small entry. */
  async text (sizeBytes: number): Promise<string> {
    if (sizeBytes > mostNameBytes) throw invalidArgument('a header of the archive is too large')
    const text = new TextDecoder().decode(await this.#exactly(sizeBytes))
    this.#left = 0
    return text
  }

  /** `sizeBytes`: as a header before this one may have said. */
  async * content (sizeBytes: number, onContent: (bytes: number) => void): AsyncGenerator<Uint8Array, void, undefined> {
    this.#left = sizeBytes
    this.#padding = (block - sizeBytes % block) % block
    while (this.#left > 0) {
      if (!await this.#more()) throw brokenOff()
      const piece = this.#take(this.#left)
      this.#left -= piece.length
      onContent(piece.length)
      yield piece
    }
  }

  async close (): Promise<void> { await this.#pieces.return?.() }

  async #exactly (length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length;) {
      if (!await this.#more()) throw brokenOff()
      const piece = this.#take(length - at)
      bytes.set(piece, at)
      at += piece.length
    }
    return bytes
  }

  async #skip (length: number): Promise<void> {
    for (let left = length; left > 0;) {
      if (!await this.#more()) throw brokenOff()
      left -= this.#take(left).length
    }
  }

  #take (most: number): Uint8Array {
    const piece = this.#piece.subarray(0, most)
    this.#piece = this.#piece.subarray(piece.length)
    return piece
  }

  /** Whether bytes are there. */
  async #more (): Promise<boolean> {
    while (this.#piece.length === 0) {
      const { done, value } = await this.#pieces.next()
      if (done === true) return false
      this.#piece = value
    }
    return true
  }
}

function headerOf (bytes: Uint8Array): Header {
  const text = (at: number, length: number): string => new TextDecoder().decode(bytes.subarray(at, at + length)).replace(/\0.*$/s, '')
  const sum = bytes.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0)
  if (parseInt(text(148, 8), 8) !== sum) throw invalidArgument('this is not a tar')
  const prefix = text(257, 5) === 'ustar' && bytes[262] === 0 ? text(345, 155) : ''
  return {
    type: String.fromCharCode(bytes[156] ?? 0), path: prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`,
    sizeBytes: sizeOf(bytes.subarray(124, 136), text(124, 12))
  }
}

/** Octal digits, or (first bit) a binary number. */
function sizeOf (field: Uint8Array, digits: string): number {
  const isBinary = ((field[0] ?? 0) & 0x80) !== 0
  const size = isBinary ? field.subarray(1).reduce((value, byte) => value * 256 + byte, 0) : parseInt(digits.trim() || '0', 8)
  if (!Number.isSafeInteger(size) || size < 0) throw invalidArgument('a size in the archive is not possible')
  return size
}

/** "<length> key=value\n" after each other; the length is in bytes, so it isn't a matter of characters. */
function paxOf (text: string): { path?: string, sizeBytes?: number } {
  const bytes = new TextEncoder().encode(text)
  const found: { path?: string, sizeBytes?: number } = {}
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at)
    const length = Number(new TextDecoder().decode(bytes.subarray(at, Math.max(at, space))))
    if (space < 0 || !Number.isInteger(length) || length <= space - at + 1 || at + length > bytes.length) {
      throw invalidArgument('a header of the archive is broken')
    }
    const [, key, value = ''] = /^([^=]*)=(.*)\n$/s.exec(new TextDecoder().decode(bytes.subarray(space + 1, at + length))) ?? []
    if (key === 'path') found.path = value
    if (key === 'size') found.sizeBytes = paxSize(value)
    at += length
  }
  return found
}

function paxSize (text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw invalidArgument('a size in the archive is not possible')
  return Number(text)
}
const brokenOff = (): ClusterError => invalidArgument('the archive is truncated')
