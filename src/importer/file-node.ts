import type { CID } from 'multiformats/cid'
import type { Block } from '../blockstore/blockstore.ts'
import type { ChunkSource } from './chunk-source.ts'
import { varintLength, writeVarint } from '../base/varint.ts'
import { ProtoWriter } from './proto-writer.ts'

/** A finished part of a file. */
export interface FilePart {
  cid: CID
  /** Bytes of the file in it. */
  fileSize: number
  /** Cumulative size of its blocks. */
  dagSize: number
}

/** UnixFS types of leaves: Kubo's balanced files use `file`, trickle files `raw`. */
export const leafTypes = { raw: 0, file: 2 } as const
export type LeafType = typeof leafTypes[keyof typeof leafTypes]

/** The dag-pb bytes of a leaf whose data is the source's next chunk; one copy. */
export function encodeLeaf (source: ChunkSource, length: number, type: LeafType): Uint8Array {
  const lengthBytes = varintLength(length)
  const inner = 3 + lengthBytes + (length === 0 ? 0 : 1 + lengthBytes + length)
  const bytes = Buffer.allocUnsafeSlow(1 + varintLength(inner) + inner)
  bytes[0] = 0x0a
  let at = writeVarint(bytes, inner, 1)
  bytes[at++] = 0x08
  bytes[at++] = type
  if (length > 0) {
    bytes[at++] = 0x12
    at = writeVarint(bytes, length, at)
    source.copy(bytes, at)
    at += length
  }
  bytes[at++] = 0x18
  writeVarint(bytes, length, at)
  return bytes
}

/** A leaf (`encodeLeaf`) with more fields at the end of its UnixFS message. */
export function leafWithFields (leaf: Uint8Array, fields: Uint8Array): Uint8Array {
  // behind the tag and the length
  const message = leaf.subarray(leaf.findIndex((byte, at) => at > 0 && byte < 0x80) + 1)
  const inner = message.length + fields.length
  const bytes = Buffer.allocUnsafeSlow(1 + varintLength(inner) + inner)
  bytes[0] = 0x0a
  const at = writeVarint(bytes, inner, 1)
  bytes.set(message, at)
  bytes.set(fields, at + message.length)
  return bytes
}

/** A node of a file that still takes children: their links are kept encoded. */
export class FileNode {
  readonly #links = new ProtoWriter(2048)
  readonly #sizes = new ProtoWriter(512)
  #fileSize = 0
  #dagSize = 0
  /** Number of children. */
  count = 0

  add ({ cid, fileSize, dagSize }: FilePart): void {
    const links = this.#links
    const cidLength = cid.bytes.length
    links.number(0x12, 1 + varintLength(cidLength) + cidLength + 3 + varintLength(dagSize))
    links.bytes(0x0a, cid.bytes)
    links.number(0x12, 0)
    links.number(0x18, dagSize)
    this.#sizes.number(0x20, fileSize)
    this.#fileSize += fileSize
    this.#dagSize += dagSize
    this.count++
  }

  /** Encodes the node, with `fields` at the end of its UnixFS message, gives it to `make`, and starts anew. */
  close (make: (bytes: Uint8Array) => Block, fields?: Uint8Array): FilePart {
    const fileSize = this.#fileSize
    const inner = 3 + varintLength(fileSize) + this.#sizes.length + (fields?.length ?? 0)
    const bytes = Buffer.allocUnsafeSlow(this.#links.length + 1 + varintLength(inner) + inner)
    bytes.set(this.#links.view)
    let at = this.#links.length
    bytes[at++] = 0x0a
    at = writeVarint(bytes, inner, at)
    bytes[at++] = 0x08
    bytes[at++] = 0x02
    bytes[at++] = 0x18
    at = writeVarint(bytes, fileSize, at)
    bytes.set(this.#sizes.view, at)
    if (fields != null) bytes.set(fields, at + this.#sizes.length)
    const part = { cid: make(bytes).cid, fileSize, dagSize: bytes.length + this.#dagSize }
    this.#reset()
    return part
  }

  #reset (): void {
    this.#links.reset()
    this.#sizes.reset()
    this.#fileSize = 0
    this.#dagSize = 0
    this.count = 0
  }
}
