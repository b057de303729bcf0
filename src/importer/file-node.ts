import type { CID } from 'multiformats/cid'
import type { Block } from '../blockstore/blockstore.ts'
import type { ChunkSource } from './chunk-source.ts'
import { varintLength, writeVarint } from '../base/varint.ts'
import { ProtobufWriter } from '../wire/protobuf.ts'

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
/** One of the two, as a number of the protobuf. */
export type LeafType = typeof leafTypes[keyof typeof leafTypes]

/** Memory for so many bytes of a leaf. */
export type LeafMemory = (bytes: number) => Buffer

/** The dag-pb bytes of a leaf whose data is the source's next chunk; one copy. */
export function encodeLeaf (
  source: ChunkSource, length: number, { type, memory }: { type: LeafType, memory: LeafMemory }
): Uint8Array {
  const bytes = memory(leafLength(length))
  writeLeaf(bytes, 0, { length, type, copy: at => source.copy(bytes, at) })
  return bytes
}

/** Bytes of a leaf of `length` bytes of the file. */
export function leafLength (length: number): number {
  const inner = leafMessageLength(length)
  return 1 + varintLength(inner) + inner
}

/** Writes a leaf at `at`; `copy` puts the chunk where it is told. Gives the offset behind the leaf. */
export function writeLeaf (
  into: Buffer, at: number, { length, type, copy }: { length: number, type: LeafType, copy: (at: number) => void }
): number {
  into[at] = 0x0a
  at = writeVarint(into, leafMessageLength(length), at + 1)
  into[at++] = 0x08
  into[at++] = type
  if (length > 0) {
    into[at++] = 0x12
    at = writeVarint(into, length, at)
    copy(at)
    at += length
  }
  into[at++] = 0x18
  return writeVarint(into, length, at)
}

function leafMessageLength (length: number): number {
  const lengthBytes = varintLength(length)
  return 3 + lengthBytes + (length === 0 ? 0 : 1 + lengthBytes + length)
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
  readonly #links = new ProtobufWriter(2048)
  readonly #sizes = new ProtobufWriter(512)
  #fileSize = 0
  #dagSize = 0
  /** Number of children. */
  count = 0

  add ({ cid, fileSize, dagSize }: FilePart): void {
    const links = this.#links
    const cidLength = cid.bytes.length
    links.messageHeader(2, 1 + varintLength(cidLength) + cidLength + 3 + varintLength(dagSize))
    links.bytesField(1, cid.bytes)
    links.messageHeader(2, 0)
    links.uintField(3, dagSize)
    this.#sizes.uintField(4, fileSize)
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
