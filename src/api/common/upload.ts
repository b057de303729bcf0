import { textOfBytes } from '../../base/text/byte-text.ts'
import { wholeBytes } from '../../base/whole-bytes.ts'
import { badRequest } from '../../http/error-dialect.ts'
import type { Part } from '../../http/request/multipart.ts'
import { cleanPath } from '../../http/routing/path.ts'
import { queryUnescape } from '../../http/request/query.ts'
import { isPathTooDeep, pathTooDeep } from '../../importer/importer.ts'
import type { EntryMetadata, UploadEntry } from '../../model/add.ts'

const directoryTypes = new Set(['application/x-directory', 'multipart/form-data'])
const symlinkType = 'application/symlink'
const longestTarget = 64 * 1024

/**
 * The parts of an upload as entries (adder). The type and the field name of a disposition don't matter; a part without a readable
 * disposition ends the walk silently. `metadataOf` tells what UnixFS is to keep of a part beside its content.
 */
export async function * uploadEntries (
  parts: AsyncIterable<Part>, metadataOf: (part: Part) => EntryMetadata | undefined = () => undefined
): AsyncGenerator<UploadEntry, void, undefined> {
  for await (const part of parts) {
    if (part.disposition == null) return
    const path = checkedPath(part.disposition.params.get('filename') ?? '')
    const found = metadataOf(part)
    const metadata = found == null ? {} : { metadata: found }
    if (directoryTypes.has(part.contentType)) yield { kind: 'directory', path, ...metadata }
    else if (part.contentType === symlinkType) yield { kind: 'symlink', path, target: await targetOf(part), ...metadata }
    else yield { kind: 'file', path, content: part.content, ...metadata }
  }
}

function checkedPath (filename: string): string {
  const path = uploadPath(filename)
  if (isPathTooDeep(path)) throw badRequest(pathTooDeep)
  return path
}

/** `a+b%20c` → `a b c`; `../../etc/x` → `etc/x`. A name with a broken escape is taken as it is. */
function uploadPath (filename: string): string {
  return cleanPath(`/${queryUnescape(filename) ?? filename}`).replace(/^\/|\/$/g, '')
}

const targetOf = async ({ content }: Part): Promise<string> =>
  textOfBytes(await wholeBytes(content, { maxBytes: longestTarget, tooLong: () => badRequest('symlink target too long') }))

/** The same entries with the first one already asked for; undefined when there is none. */
export async function withFirst (entries: AsyncGenerator<UploadEntry, void, undefined>): Promise<AsyncIterable<UploadEntry> | undefined> {
  const first = await entries.next()
  if (first.done === true) return undefined
  return (async function * () {
    try {
      yield first.value
      yield * entries
    } finally {
      await entries.return()
    }
  })()
}
