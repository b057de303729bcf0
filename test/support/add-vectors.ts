import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ClusterError } from '../../src/base/errors.ts'
import type { DagParams, UploadEntry } from '../../src/model/add.ts'

export interface AddLine { name: string, cid: string, size?: number }
export interface AddCase {
  name: string
  input: { type: 'file', filename: string, length: number, generator: string, seed?: string }
    | { type: 'tree', entries: string | TreeEntry[] }
  query: Record<string, string>
  output: AddLine[]
  outputDigest?: { lines: number, sha256: string }
  trailerError?: string
  kuboEqualOptions?: { output?: AddLine[] }
  pinsCreated?: Array<Record<string, unknown>>
}

const vectors = process.env['VECTORS_DIR'] ?? fileURLToPath(new URL('../vectors', import.meta.url))

/** Reads a group of the recorded /add cases (test/vectors/add). */
export const readAddCases = (group: string): AddCase[] =>
  JSON.parse(readFileSync(join(vectors, 'add', `${group}.json`), 'utf8')) as AddCase[]

/** Byte i = i mod 251. */
export function pattern251 (length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < Math.min(length, 251); i++) bytes[i] = i
  for (let filled = 251; filled < length; filled *= 2) bytes.copyWithin(filled, 0, Math.min(filled, length - filled))
  return bytes
}

/** The longest that was asked for of each seed: shorter ones are its beginning. */
const longest = new Map<string, Uint8Array>()

/** SHA-256("<seed>:0"), SHA-256("<seed>:1"), …, cut to length. Not to be written to. */
export function sha256Counter (seed: string, length: number): Uint8Array {
  const made = longest.get(seed) ?? new Uint8Array()
  if (made.length >= length) return made.subarray(0, length)
  const bytes = Buffer.alloc(length)
  // as text, a digest costs a third of what it does as a buffer
  for (let k = 0, at = 0; at < length; k++, at += 32) bytes.write(hash('sha256', `${seed}:${k}`, 'binary'), at, 'latin1')
  longest.set(seed, bytes)
  return bytes
}

/** The DAG options of a query, with the server's defaults. */
export function dagParams (query: Record<string, string> = {}): DagParams {
  const cidVersion = Number(query['cid-version'] ?? '0')
  return {
    layout: (query.layout ?? '') as DagParams['layout'],
    chunker: query.chunker ?? 'size-262144',
    rawLeaves: query['raw-leaves'] == null ? cidVersion > 0 : query['raw-leaves'] === 'true',
    cidVersion,
    hash: query.hash ?? 'sha2-256',
    noCopy: query.nocopy === 'true'
  }
}

/** The entries of a case, in the order of its parts; content in pieces of `pieceBytes`. */
export async function * entriesOf ({ name, input, query }: AddCase, pieceBytes = 65536): AsyncGenerator<UploadEntry> {
  if (input.type === 'file') {
    yield fileEntry(
      input.filename, input.generator === 'pattern251' ? pattern251(input.length) : sha256Counter(input.seed ?? 'a', input.length),
      pieceBytes
    )
    return
  }
  const entries = typeof input.entries === 'string' ? describedTree(name, query) : input.entries
  for (const { path, kind, text, target } of entries) {
    if (kind === 'dir') yield { kind: 'directory', path }
    else if (kind === 'symlink') yield { kind, path, target: target ?? '' }
    else yield fileEntry(path, text ?? '', pieceBytes)
  }
}

/** A file of these bytes, or this text, in pieces. */
export function fileEntry (path: string, content: Uint8Array | string, pieceBytes = 65536): UploadEntry {
  return { kind: 'file', path, content: inPieces(typeof content === 'string' ? Buffer.from(content) : content, pieceBytes) }
}

export async function * inPieces (bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

interface TreeEntry { path: string, kind: 'dir' | 'file' | 'symlink', text?: string, target?: string }

const fourDigits = (index: number): string => String(index).padStart(4, '0')

/** Files in the directory d; `file` gives name and text. */
const filesInD = (count: number, file: (index: number) => [name: string, text: string]): TreeEntry[] =>
  Array.from({ length: count }, (_, index) => file(index)).map(([name, text]) => ({ path: `d/${name}`, kind: 'file', text }))

/** The trees that the vectors give in words. */
function describedTree (name: string, query: Record<string, string>): TreeEntry[] {
  const directory: TreeEntry = { path: 'd', kind: 'dir' }
  if (name.startsWith('files2000-long')) {
    return [directory, ...filesInD(2000, i => [`${'n'.repeat(150)}-${fourDigits(i)}.txt`, `content ${i}\n`])]
  }
  if (name.startsWith('files2000')) return [directory, ...filesInD(2000, i => [`file-${fourDigits(i)}.txt`, `content ${i}\n`])]
  if (!/^hamt-(at|over)-256k/.test(name)) throw new ClusterError('NOT_FOUND', { tree: name })
  const fill = 252 - (query['cid-version'] === '1' ? 36 : 34)
  return filesInD(1024, i => [fourDigits(i) + 'x'.repeat(fill + (name.startsWith('hamt-over') && i === 1023 ? 1 : 0)), String(i)])
}
