import { hash } from 'node:crypto'
import type { CID } from 'multiformats/cid'
import type { Block } from '../blockstore/blockstore.ts'
import { dagCborCodec, sha256Hash } from '../model/multicodec.ts'
import { cidV1 } from './block-maker.ts'
import { ProtobufWriter } from '../wire/protobuf.ts'

/** Go's number of links in one node of a shard. */
const maxLinks = 5984

/**
 * A list of CIDs as Go's cluster DAGs have it: a dag-cbor map from "0", "1", … to links; over 5984 links, such a map of such maps. Links
 * are kept encoded: about 41 bytes each.
 */
export class LinkMap {
  readonly #full: Block[] = []
  #open = new MapWriter()
  #count = 0

  get length (): number { return this.#count }

  add (cid: CID): void {
    if (this.#open.count === maxLinks) this.#closeOpen()
    this.#open.add(cid)
    this.#count++
  }

  /** The nodes, the root first. */
  finish (): Block[] {
    if (this.#full.length === 0) return [this.#open.finish()]
    // Go's last map is empty when the others are full.
    if (this.#open.count === maxLinks) this.#closeOpen()
    this.#closeOpen()
    const root = new MapWriter()
    for (const { cid } of this.#full) root.add(cid)
    return [root.finish(), ...this.#full]
  }

  #closeOpen (): void {
    this.#full.push(this.#open.finish())
    this.#open = new MapWriter()
  }
}

const sha256 = { code: sha256Hash, digest: (bytes: Uint8Array): Uint8Array => hash('sha256', bytes, 'buffer') }

/** One map. Canonical dag-cbor orders keys by length, then bytes: for numbers without leading zeros that is counting. */
class MapWriter {
  readonly #entries = new ProtobufWriter(1024)
  count = 0

  add (cid: CID): void {
    const key = Buffer.from(String(this.count++))
    const entries = this.#entries
    entries.byte(0x60 | key.length)
    entries.raw(key)
    entries.byte(0xd8)
    entries.byte(42)
    writeHead(entries, 2, cid.bytes.length + 1)
    entries.byte(0)
    entries.raw(cid.bytes)
  }

  finish (): Block {
    const node = new ProtobufWriter(this.#entries.length + 3)
    writeHead(node, 5, this.count)
    node.raw(this.#entries.view)
    const bytes = node.copy()
    return { cid: cidV1(dagCborCodec, sha256, bytes), bytes }
  }
}

/** A CBOR head: major type and a number below 65536. */
function writeHead (writer: ProtobufWriter, major: number, value: number): void {
  if (value < 24) {
    writer.byte(major << 5 | value)
    return
  }
  writer.byte(major << 5 | (value < 256 ? 24 : 25))
  if (value >= 256) writer.byte(value >>> 8)
  writer.byte(value & 0xff)
}
