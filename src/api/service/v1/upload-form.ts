import { isUtf8 } from 'node:buffer'
import { invalidArgument } from '../../../base/errors.ts'
import { wholeBytes } from '../../../base/whole-bytes.ts'
import { boundaryOf, parts } from '../../../http/request/multipart.ts'
import type { Part } from '../../../http/request/multipart.ts'
import { cleanPath } from '../../../http/routing/path.ts'
import type { UploadPart } from '../../../service/uploads/uploads.ts'
import type { ServiceCall } from '../service-route.ts'

/** Fields before the file, all together. */
const fieldsLimitBytes = 64 * 1024
const mostFields = 100

/** A multipart body up to its first file. */
export interface UploadForm {
  /** Fields that came before the first file, by name; of a repeated one the last. */
  fields: Readonly<Record<string, string>>
  /** Bytes of content that the first file can have at most, when all of the body is its; null: the length of the body isn't known. */
  mostBytes: number | null
  /** The files, from the first one on; fields behind it are skipped. */
  files: AsyncGenerator<UploadPart, void, undefined>
}

/** Reads the body up to its first file. INVALID_ARGUMENT when there is none; HttpError 400 for what is no multipart. */
export async function readUploadForm ({ raw, headers }: Pick<ServiceCall, 'raw' | 'headers'>): Promise<UploadForm> {
  const boundary = boundaryOf(raw.contentType)
  const all = parts(raw.chunks(), boundary, { onTruncated: 'throw' })
  const fields = Object.create(null) as Record<string, string>
  let left = fieldsLimitBytes
  try {
    for (let count = 0; count <= mostFields; count++) {
      const { done, value: part } = await all.next()
      if (done === true) break
      if (isFile(part)) {
        return { fields, mostBytes: mostBytesOf(headers['content-length'], { part, boundary }), files: filesFrom(part, all) }
      }
      const value = await textOf(part, left)
      left -= value.length
      const name = part.disposition?.params.get('name')
      if (name != null) fields[name] = value
    }
  } catch (err) {
    await all.return()
    throw err
  }
  await all.return()
  throw invalidArgument('there is no file in the body: a part with a filename, or of the name "file", is required')
}

/** Browsers send an empty name for "no file chosen". */
function isFile ({ disposition }: Part): boolean {
  const filename = disposition?.params.get('filename')
  return filename == null ? disposition?.params.get('name') === 'file' : filename !== ''
}

async function * filesFrom (first: Part, rest: AsyncGenerator<Part, void, undefined>): AsyncGenerator<UploadPart, void, undefined> {
  try {
    yield uploadPart(first)
    for await (const part of rest) if (isFile(part)) yield uploadPart(part)
  } finally {
    await rest.return()
  }
}

function uploadPart ({ disposition, contentType, content }: Part): UploadPart {
  const path = filePath(disposition?.params.get('filename') ?? '')
  if (contentType === 'application/x-directory') return { entry: { kind: 'directory', path }, contentType }
  return { entry: { kind: 'file', path, content }, contentType }
}

/** As browsers write names: only quotes and line breaks are escaped. No step leads out of the upload. */
export function filePath (filename: string): string {
  const name = filename.replaceAll(/%(22|0D|0A)/gi, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  if (name.includes('\0')) throw invalidArgument('a name has the character U+0000')
  return cleanPath(`/${name}`).replaceAll(/^\/|\/$/g, '')
}

/** What is neither behind the content, nor before it, is content. Behind it is the last boundary with its line breaks. */
function mostBytesOf (declared: string | undefined, { part, boundary }: { part: Part, boundary: string }): number | null {
  return declared == null ? null : Math.max(0, Number(declared) - part.offset - Buffer.byteLength(boundary) - '\r\n----\r\n'.length)
}

async function textOf ({ content }: Part, limitBytes: number): Promise<string> {
  const text = await wholeBytes(content, { maxBytes: limitBytes, tooLong: () => invalidArgument('the fields of the form are too large') })
  if (!isUtf8(text)) throw invalidArgument('a field of the form is not UTF-8')
  return text.toString('utf8')
}
