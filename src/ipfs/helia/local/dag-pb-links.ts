import type { CID } from 'multiformats/cid'
import type { LinkLimit, LinkPosition } from './link-position.ts'
import { readCid } from './read-cid.ts'

/*
 * PBNode { repeated PBLink Links = 2; optional bytes Data = 1 }, PBLink { bytes Hash = 1; string Name = 2; uint64 Tsize = 3 }.
 * Read by hand: only the hashes are wanted (names by few), and walks read many blocks.
 */

const nodeLinks = (2 << 3) | 2
const linkHash = (1 << 3) | 2
const linkName = (2 << 3) | 2

/** The next links of a dag-pb block; the position moves on. `names` gets their names. Throws when it isn't protobuf or a link has no CID. */
export function dagPbLinks (bytes: Uint8Array, position: LinkPosition, limit: LinkLimit, names?: string[]): CID[] {
  const links: CID[] = []
  const scanner = new Scanner(bytes, position.at)
  for (let steps = 0; scanner.at < bytes.length && links.length < limit.links && steps < limit.steps; steps++) {
    const tag = scanner.varint(bytes.length)
    if (tag === nodeLinks) links.push(linkCid(scanner, names))
    else scanner.skip(tag, bytes.length)
  }
  position.at = scanner.at
  position.left = scanner.at < bytes.length ? 1 : 0
  return links
}

function linkCid (scanner: Scanner, names?: string[]): CID {
  let hash: Uint8Array | undefined
  let name = ''
  const end = scanner.end(scanner.bytes.length)
  while (scanner.at < end) {
    const tag = scanner.varint(end)
    if (tag === linkHash) hash = scanner.part(end)
    else if (tag === linkName && names != null) name = Buffer.from(scanner.part(end)).toString()
    else scanner.skip(tag, end)
  }
  if (hash == null) throw new Error('a link without a hash')
  names?.push(name)
  return readCid(hash)
}

class Scanner {
  readonly bytes: Uint8Array
  at: number

  constructor (bytes: Uint8Array, at: number) {
    this.bytes = bytes
    this.at = at
  }

  /** A number that ends before `end`. Up to 2^53. */
  varint (end: number): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.at < end ? this.bytes[this.at++] : undefined
      if (byte == null || scale > 2 ** 63) throw new Error('a number is cut off')
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }

  /** Where the length-delimited value ends that begins here. */
  end (before: number): number {
    const length = this.varint(before)
    if (this.at + length > before) throw new Error('a value is cut off')
    return this.at + length
  }

  part (before: number): Uint8Array {
    const end = this.end(before)
    const part = this.bytes.subarray(this.at, end)
    this.at = end
    return part
  }

  /** Passes over the value of a tag. */
  skip (tag: number, end: number): void {
    const wireType = tag & 7
    if (wireType === 0) this.varint(end)
    else if (wireType === 1) this.#forward(8, end)
    else if (wireType === 2) this.at = this.end(end)
    else if (wireType === 5) this.#forward(4, end)
    else throw new Error(`wire type ${wireType} is unknown`)
  }

  #forward (length: number, end: number): void {
    if (this.at + length > end) throw new Error('a value is cut off')
    this.at += length
  }
}
