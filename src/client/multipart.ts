import { queryEscape } from './query.ts'
import type { RequestBody } from './transport.ts'
import { chunksOfStream } from './web-streams.ts'

/**
 * Content that can be sent. An async iterable is read once, while it is sent; a function is called when its turn comes and may give a fresh
 * one.
 */
export type FileContent = string | Uint8Array | Blob | AsyncIterable<Uint8Array> | (() => AsyncIterable<Uint8Array>)

/** Unix permission bits and times, which UnixFS does not store unless the peer is asked to. */
export interface EntryTimes {
  /** As Go's FileMode: directories have the bit 0o20000000000, links 0o1000000000. */
  mode?: number
  /** Whole seconds and nanoseconds. */
  mtime?: { seconds: number, nanoseconds: number }
  /** Where the file lies on this machine, for `noCopy`. */
  absolutePath?: string
}

/**
 * One entry of an upload. Parents come before their children; `path` uses "/". U+DC80 to U+DCFF in a path stand for bytes that aren't
 * UTF-8.
 */
export type UploadEntry = EntryTimes & (
  { path: string, content: FileContent } |
  { path: string, directory: true } |
  { path: string, symlink: string | Uint8Array })

type Piece = Uint8Array | Blob | AsyncIterable<Uint8Array> | (() => AsyncIterable<Uint8Array>)

const encoder = new TextEncoder()

/** A multipart/form-data body of these entries, as Go's client writes it. */
export interface Multipart {
  contentType: string
  /** A Blob when entries are an array of blobs, texts and byte arrays only. */
  body (): RequestBody
}

export interface MultipartOptions {
  /** How a path is written as a filename. Default: escaped as in a query, as Go's client does. */
  filename?: (path: string) => string
}

/** The body of an upload, made while it is read. `filename`: how names are escaped in headers. */
export function multipart (
  entries: Iterable<UploadEntry> | AsyncIterable<UploadEntry>, boundary: string, { filename = queryEscape }: MultipartOptions = {}
): Multipart {
  const contentType = `multipart/form-data; boundary=${boundary}`
  const form = { boundary, filename }
  return { contentType, body: () => Array.isArray(entries) ? blobOf(entries, form) ?? bytesOf(entries, form) : bytesOf(entries, form) }
}

interface Form { boundary: string, filename: (path: string) => string }

function blobOf (entries: readonly UploadEntry[], form: Form): Blob | undefined {
  const parts: Array<string | Blob | Uint8Array<ArrayBuffer>> = []
  for (const [index, entry] of entries.entries()) {
    parts.push(headOf(entry, form, index === 0))
    const content = contentOf(entry)
    if (!(content instanceof Blob) && !(content instanceof Uint8Array)) return undefined
    parts.push(content as Blob | Uint8Array<ArrayBuffer>)
  }
  return new Blob([...parts, tail(form.boundary, entries.length === 0)])
}

async function * bytesOf (
  entries: Iterable<UploadEntry> | AsyncIterable<UploadEntry>, form: Form
): AsyncGenerator<Uint8Array, void, undefined> {
  let isFirst = true
  for await (const entry of entries) {
    yield encoder.encode(headOf(entry, form, isFirst))
    yield * chunksOf(contentOf(entry))
    isFirst = false
  }
  yield encoder.encode(tail(form.boundary, isFirst))
}

const tail = (boundary: string, isEmpty: boolean): string => `${isEmpty ? '' : '\r\n'}--${boundary}--\r\n`

async function * chunksOf (content: Piece): AsyncGenerator<Uint8Array, void, undefined> {
  if (content instanceof Uint8Array) yield content
  else if (content instanceof Blob) yield * chunksOfStream(content.stream())
  else yield * typeof content === 'function' ? content() : content
}

function contentOf (entry: UploadEntry): Piece {
  if ('symlink' in entry) return typeof entry.symlink === 'string' ? encoder.encode(entry.symlink) : entry.symlink
  if ('directory' in entry) return new Uint8Array()
  return typeof entry.content === 'string' ? encoder.encode(entry.content) : entry.content
}

function headOf (entry: UploadEntry, { boundary, filename }: Form, isFirst: boolean): string {
  const type = 'symlink' in entry ? 'application/symlink' : 'directory' in entry ? 'application/x-directory' : 'application/octet-stream'
  return [
    ...(isFirst ? [] : ['']),
    `--${boundary}`,
    ...(entry.absolutePath == null ? [] : [`Abspath-Encoded: ${queryEscape(entry.absolutePath)}`]),
    `Content-Disposition: form-data; name="file${timesOf(entry)}"; filename="${filename(entry.path)}"`,
    `Content-Type: ${type}`,
    '',
    ''
  ].join('\r\n')
}

function timesOf ({ mode, mtime }: EntryTimes): string {
  const values = [
    ...(mode == null || mode === 0 ? [] : [`mode=0${mode.toString(8)}`]),
    ...(mtime == null ? [] : [`mtime=${mtime.seconds}`, ...(mtime.nanoseconds > 0 ? [`mtime-nsecs=${mtime.nanoseconds}`] : [])])
  ]
  return values.length === 0 ? '' : `?${values.join('&')}`
}

/** What separates the parts of a body: 32 hexadecimal digits of 128 random bits, so that no file contains it. */
export function boundary (): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')
}
