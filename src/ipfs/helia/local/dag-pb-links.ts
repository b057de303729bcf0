import type { CID } from 'multiformats/cid'
import { readCid } from './read-cid.ts'

/*
 * PBNode { repeated PBLink Links = 2; optional bytes Data = 1 }, PBLink { bytes Hash = 1; string Name = 2; uint64 Tsize = 3 }.
 * Read by hand: only the hashes are wanted, and walks read many blocks.
 */

const nodeLinks = (2 << 3) | 2
const linkHash = (1 << 3) | 2

/** The links of a dag-pb block. Throws when it isn't protobuf or a link has no CID. */
export function dagPbLinks (bytes: Uint8Array): CID[] {
  const links: CID[] = []
  const node = new Reader(bytes, 0, bytes.length)
  while (!node.ended()) {
    if (node.varint() === nodeLinks) links.push(linkCid(node.part()))
    else node.skip()
  }
  return links
}

function linkCid (link: Reader): CID {
  let hash: Uint8Array | undefined
  while (!link.ended()) {
    if (link.varint() === linkHash) hash = link.part().rest()
    else link.skip()
  }
  if (hash == null) throw new Error('a link without a hash')
  return readCid(hash)
}

class Reader {
  readonly #bytes: Uint8Array
  readonly #end: number
  #at: number
  #tag = 0

  constructor (bytes: Uint8Array, from: number, end: number) {
    this.#bytes = bytes
    this.#at = from
    this.#end = end
  }

  ended (): boolean { return this.#at >= this.#end }

  /** A number; the last one read is the tag that `skip` looks at. Up to 2^53. */
  varint (): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#at < this.#end ? this.#bytes[this.#at++] : undefined
      if (byte == null || scale > 2 ** 63) throw new Error('a number is cut off')
      value += (byte & 127) * scale
      if (byte < 128) break
    }
    this.#tag = value
    return value
  }

  /** A length-delimited value. */
  part (): Reader {
    const from = this.#forward(this.varint())
    return new Reader(this.#bytes, from, this.#at)
  }

  rest (): Uint8Array { return this.#bytes.subarray(this.#at, this.#end) }

  /** Passes over the value of the tag just read. */
  skip (): void {
    const wireType = this.#tag & 7
    if (wireType === 0) this.varint()
    else if (wireType === 1) this.#forward(8)
    else if (wireType === 2) this.part()
    else if (wireType === 5) this.#forward(4)
    else throw new Error(`wire type ${wireType} is unknown`)
  }

  #forward (length: number): number {
    const from = this.#at
    if (from + length > this.#end) throw new Error('a value is cut off')
    this.#at += length
    return from
  }
}
