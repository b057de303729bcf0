import type { PBLink } from '@ipld/dag-pb'
import { bytesOfText, textOfBytes } from '../../../base/text/byte-text.ts'
import { ProtobufScanner } from '../links/protobuf-scanner.ts'
import { readCid } from '../links/read-cid.ts'

/*
 * PBNode { repeated PBLink Links = 2; optional bytes Data = 1 }, PBLink { bytes Hash = 1; string Name = 2; uint64 Tsize = 3 }.
 * All links stand together, before or behind the data, and the fields of a link in their order: dag-pb allows nothing else.
 */
const nodeLink = (2 << 3) | 2
const nodeData = (1 << 3) | 2
const linkHash = (1 << 3) | 2
const linkName = (2 << 3) | 2
const linkSize = 3 << 3

/**
 * A dag-pb block whose links are read when they are asked for: the plain directory of 100,000 names is one block, whose links as objects
 * take many times its bytes, and somebody may want one of them.
 */
export class PbNode {
  readonly data: Uint8Array | undefined
  readonly linkCount: number
  readonly #bytes: Uint8Array
  /** Where the links stand. */
  readonly #from: number
  readonly #to: number

  /** Looks at every byte's place once. Throws when it isn't dag-pb; whether a link's hash is a CID shows when the link is read. */
  constructor (bytes: Uint8Array) {
    const scanner = new ProtobufScanner(bytes, 0)
    const { length } = bytes
    let [from, to, count] = [0, 0, 0]
    let data: Uint8Array | undefined
    while (scanner.at < length) {
      const begin = scanner.at
      const tag = scanner.varint(length)
      if (tag === nodeData && data == null) data = scanner.part(length)
      else if (tag === nodeLink && (count === 0 || begin === to)) {
        passLink(scanner, scanner.end(length))
        if (count++ === 0) from = begin
        to = scanner.at
      } else throw new Error(`protobuf: (PBNode) the field ${tag >> 3} must not be there`)
    }
    this.data = data
    this.linkCount = count
    this.#bytes = bytes
    this.#from = from
    this.#to = to
  }

  /** In their order, with names as in `byte-text.ts`. Throws for a link whose hash is no CID. */
  * links (): Generator<PBLink> {
    const scanner = new ProtobufScanner(this.#bytes, this.#from)
    while (scanner.at < this.#to) {
      const begin = scanner.at
      passField(scanner, this.#to)
      yield this.#linkAt(begin, scanner.at)
    }
  }

  /** The first link of that name. */
  find (name: string): PBLink | undefined {
    const wanted = bytesOfText(name)
    const bytes = Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength)
    const scanner = new ProtobufScanner(this.#bytes, this.#from)
    while (scanner.at < this.#to) {
      const begin = scanner.at
      scanner.varint(this.#to)
      const end = scanner.end(this.#to)
      const isSoLong = passName(scanner, end, wanted.length)
      if (isSoLong && bytes.compare(wanted, 0, wanted.length, scanner.at - wanted.length, scanner.at) === 0) return this.#linkAt(begin, end)
      scanner.at = end
    }
    return undefined
  }

  /** By hand: the library's decoder turns names into other names where they aren't UTF-8, or begin with a byte order mark. */
  #linkAt (from: number, to: number): PBLink {
    const scanner = new ProtobufScanner(this.#bytes, from)
    scanner.varint(to)
    const end = scanner.end(to)
    const link: Partial<PBLink> = {}
    while (scanner.at < end) {
      const tag = scanner.varint(end)
      if (tag === linkHash) link.Hash = readCid(scanner.part(end))
      else if (tag === linkName) link.Name = textOfBytes(scanner.part(end))
      else link.Tsize = scanner.varint(end)
    }
    // that there is a hash was seen when the node was read
    return link as PBLink
  }
}

/** A tag and its value of the kind that has a length. */
function passField (scanner: ProtobufScanner, before: number): void {
  scanner.varint(before)
  scanner.at = scanner.end(before)
}

/** Throws for what dag-pb doesn't allow in a link. */
function passLink (scanner: ProtobufScanner, end: number): void {
  let last = 0
  while (scanner.at < end) {
    const tag = scanner.varint(end)
    const isInOrder = last === 0 ? tag === linkHash : tag > last
    if (!isInOrder) throw new Error('protobuf: (PBLink) its fields are not those of a link, in their order')
    last = tag
    if (tag === linkHash || tag === linkName) scanner.at = scanner.end(end)
    else if (tag === linkSize) scanner.varint(end)
    else throw new Error(`protobuf: (PBLink) the field ${tag >> 3} must not be there`)
  }
  if (last === 0) throw new Error('protobuf: (PBLink) it has no hash')
}

/** True when the link, whose fields begin here, has a name of so many bytes: then the scanner stands behind it. */
function passName (scanner: ProtobufScanner, end: number, length: number): boolean {
  passField(scanner, end)
  if (scanner.at === end || scanner.varint(end) !== linkName) return false
  const nameEnd = scanner.end(end)
  const isSoLong = nameEnd - scanner.at === length
  scanner.at = nameEnd
  return isSoLong
}
