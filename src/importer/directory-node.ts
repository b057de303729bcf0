import type { CID } from 'multiformats/cid'
import { bytesOfText } from '../base/text/byte-text.ts'
import type { Block } from '../blockstore/blockstore.ts'
import { varintLength } from '../base/varint.ts'
import { ProtobufWriter } from '../wire/protobuf.ts'

/** Something with a name in a directory. */
export interface DirectoryEntry {
  /** What isn't UTF-8 in it stands as in `byte-text.ts`. */
  name: string
  cid: CID
  /** Cumulative size of its blocks. */
  dagSize: number
}

const plainDirectory = Uint8Array.of(0x08, 0x01)

/** Writes the dag-pb node of a directory, link by link in the order of the names' bytes. */
export class DirectoryWriter {
  readonly #bytes = new ProtobufWriter(1024)
  #dagSize = 0

  add ({ name, cid, dagSize }: DirectoryEntry): void {
    const nameBytes = name.isWellFormed() ? undefined : bytesOfText(name)
    const nameLength = nameBytes?.length ?? Buffer.byteLength(name)
    const cidLength = cid.bytes.length
    const inner = 3 + varintLength(cidLength) + cidLength + varintLength(nameLength) + nameLength + varintLength(dagSize)
    const bytes = this.#bytes
    bytes.messageHeader(2, inner)
    bytes.bytesField(1, cid.bytes)
    if (nameBytes == null) bytes.textField(2, name, nameLength)
    else bytes.bytesField(2, nameBytes)
    bytes.uintField(3, dagSize)
    this.#dagSize += dagSize
  }

  /** Adds the UnixFS data and gives the node to `make`. The entry has no name yet. */
  finish (data: Uint8Array, make: (bytes: Uint8Array) => Block): DirectoryEntry {
    this.#bytes.bytesField(1, data)
    const { cid, bytes } = make(this.#bytes.copy())
    return { name: '', cid, dagSize: this.#dagSize + bytes.length }
  }
}

/** Makes a plain directory of entries in any order, with `fields` at the end of its UnixFS message. */
export function encodeDirectory (
  entries: readonly DirectoryEntry[], make: (bytes: Uint8Array) => Block, fields?: Uint8Array
): DirectoryEntry {
  const writer = new DirectoryWriter()
  for (const entry of sortedByName(entries)) writer.add(entry)
  return writer.finish(fields == null || fields.length === 0 ? plainDirectory : Buffer.concat([plainDirectory, fields]), make)
}

/** The entries by the bytes of their names. JavaScript's own order is the same unless there are characters outside the basic plane. */
export function sortedByName<T extends { name: string }> (entries: readonly T[]): T[] {
  if (entries.every(({ name }) => !/[\ud800-\udfff]/.test(name))) {
    return entries.toSorted((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
  }
  return entries.map(entry => ({
    entry, key: bytesOfText(entry.name)
  })).toSorted((a, b) => Buffer.compare(a.key, b.key)).map(({ entry }) => entry)
}

/** The dag-pb node of a symbolic link, with `fields` at the end of its UnixFS message. */
export function encodeSymlink (target: string, fields?: Uint8Array): Uint8Array {
  const data = new ProtobufWriter(64)
  data.uintField(1, 4)
  data.bytesField(2, bytesOfText(target))
  const node = new ProtobufWriter(64)
  node.bytesField(1, fields == null ? data.view : Buffer.concat([data.view, fields]))
  return node.copy()
}
