/** A file of a directory; `path` has slashes. */
export interface TarFile { path: string, content: Blob }

const block = 512
const nameBytes = 100
/** Files that share a piece. */
const pieceFiles = 100
/** Larger sizes don't fit into a header's octal digits. */
const octalSize = 8 ** 11

/**
 * A directory as one Blob, for an upload in several requests: `uploads.create({ name, sizeBytes: tar.size }, { format: 'tar' })`. Nothing
 * is read or copied: it is made of slices of the files, so the same files in the same order give the same bytes, whenever an upload goes
 * on.
 */
export const tarOf = (files: Iterable<TarFile>): Blob => new Blob([...tarPieces(files)], { type: 'application/x-tar' })

/**
 * The same in pieces, which `new Blob(pieces)` joins: browsers take a while for thousands of files, and a page may do something else
 * meanwhile.
 */
export function * tarPieces (files: Iterable<TarFile>): Generator<Blob, void, undefined> {
  let parts: Array<Uint8Array<ArrayBuffer> | Blob> = []
  let count = 0
  for (const { path, content } of files) {
    parts.push(...headerOf(path, content.size), content, new Uint8Array((block - content.size % block) % block))
    if (++count % pieceFiles !== 0) continue
    yield new Blob(parts)
    parts = []
  }
  yield new Blob([...parts, new Uint8Array(2 * block)])
}

/** With a PAX header before it when the name or the size needs one. */
function headerOf (path: string, sizeBytes: number): Array<Uint8Array<ArrayBuffer>> {
  const name = new TextEncoder().encode(path)
  const isPlain = name.length <= nameBytes && sizeBytes < octalSize
  const own = ustar(name.subarray(0, nameBytes), { sizeBytes: Math.min(sizeBytes, octalSize - 1), kind: '0' })
  if (isPlain) return [own]
  const records = new TextEncoder().encode(record('path', path) + record('size', String(sizeBytes)))
  return [
    ustar(new TextEncoder().encode('pax'), { sizeBytes: records.length, kind: 'x' }), records,
    new Uint8Array((block - records.length % block) % block), own
  ]
}

function ustar (name: Uint8Array, { sizeBytes, kind }: { sizeBytes: number, kind: string }): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(block)
  const write = (text: string, at: number): void => { new TextEncoder().encodeInto(text, header.subarray(at)) }
  const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`
  header.set(name)
  write(octal(0o644, 8) + octal(0, 8) + octal(0, 8) + octal(sizeBytes, 12) + octal(0, 12), 100)
  write('        ', 148)
  write(kind, 156)
  write('ustar\x0000', 257)
  write(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

/** "<length> key=value\n", where the length is in bytes and counts its own digits. */
function record (key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  const bytes = new TextEncoder().encode(rest).length
  const digits = String(bytes + String(bytes).length).length
  return `${bytes + digits}${rest}`
}
