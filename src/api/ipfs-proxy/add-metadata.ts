import { HttpError } from '../../http/error-dialect.ts'
import type { Part } from '../../http/request/multipart.ts'
import { Query } from '../../http/request/query.ts'
import type { EntryMetadata } from '../../model/add.ts'
import { goInteger } from './go-integer.ts'

/** What UnixFS is to keep of the entries of an add. */
export interface MetadataRule {
  ofPart: (part: Part) => EntryMetadata | undefined
  /** Of directories that have no part; undefined: nothing. */
  ofDirectories: EntryMetadata | undefined
}

type Mtime = EntryMetadata['mtime']

const longestNanoseconds = 999_999_999
const billion = 1_000_000_000

/**
 * Reads `mode`, `mtime` and `mtime-nsecs`, which hold for all entries, and `preserve-mode` and `preserve-mtime`, which keep what each part
 * tells of itself. Null when nothing is to be kept. 400 and 500 with Kubo's texts for what it refuses.
 */
export function metadataRule (query: Query): MetadataRule | null {
  const mode = modeOption(query.get('mode'))
  const mtime = mtimeOption(query)
  const keepsMode = query.get('preserve-mode') === 'true'
  const keepsMtime = query.get('preserve-mtime') === 'true'
  if (mode === 0 && mtime == null && !keepsMode && !keepsMtime) return null
  const ofAll = mode === 0 && mtime == null ? undefined : { mode, mtime }
  return {
    ofDirectories: ofAll,
    ofPart: part => {
      const told = toldBy(part)
      const kept = { mode: mode !== 0 ? mode : keepsMode ? told.mode : 0, mtime: mtime ?? (keepsMtime ? told.mtime : null) }
      return kept.mode === 0 && kept.mtime == null ? undefined : kept
    }
  }
}

/** Permissions; Kubo leaves setuid and the like out of the option. `recursive` and `direct` are the cluster's modes of pinning. */
function modeOption (text: string): number {
  if (text === '' || text === 'recursive' || text === 'direct') return 0
  return (naturalOption('mode', text) ?? 0) & 0o777
}

/** Kubo takes the time 0 for none. */
function mtimeOption (query: Query): Mtime {
  const [seconds, nanoseconds] = [integerOption('mtime', query.get('mtime')), naturalOption('mtime-nsecs', query.get('mtime-nsecs'))]
  if (nanoseconds != null && seconds == null) throw new HttpError(500, 'option "mtime-nsecs" requires "mtime" to be provided as well')
  if (nanoseconds != null && nanoseconds > longestNanoseconds) throw new HttpError(500, 'mtime nanoseconds must be in range [1, 999999999]')
  return seconds == null || seconds === 0 ? null : { seconds, nanoseconds: nanoseconds ?? 0 }
}

function naturalOption (name: string, text: string): number | undefined {
  if (text === '') return undefined
  const value = goInteger(text)
  if (value == null || value < 0) throw notConverted(name, { text, type: 'uint' })
  return value
}

function integerOption (name: string, text: string): number | undefined {
  if (text === '') return undefined
  const value = goInteger(text)
  if (value == null) throw notConverted(name, { text, type: 'int64' })
  return value
}

const notConverted = (name: string, { text, type }: { text: string, type: string }): HttpError =>
  new HttpError(400, `could not convert value ${JSON.stringify(text)} to type "${type}" (for option "-${name}")`)

const nothing: EntryMetadata = { mode: 0, mtime: null }

/** The field name of a part may be `file?mode=…&mtime=…&mtime-nsecs=…`. A time that can't be read is none, one that is missing is 1970. */
function toldBy ({ disposition }: Part): EntryMetadata {
  const [, query] = /\?(.*)$/s.exec(disposition?.params.get('name') ?? '') ?? []
  if (query == null) return nothing
  const told = new Query(query)
  const seconds = decimal(told.get('mtime'))
  const nanoseconds = decimal(told.get('mtime-nsecs'))
  return { mode: unixMode(told.get('mode')), mtime: seconds == null || nanoseconds == null ? null : normal(seconds, nanoseconds) }
}

const decimal = (text: string): number | undefined =>
  text === '' ? 0 : /^[+-]?\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined

const normal = (seconds: number, nanoseconds: number): Mtime => {
  const carried = Math.floor(nanoseconds / billion)
  return { seconds: seconds + carried, nanoseconds: nanoseconds - carried * billion }
}

/** Go's file mode in octal, whose high bits are Go's own, as a Unix mode. */
function unixMode (text: string): number {
  const mode = /^[0-7]+$/.test(text) ? parseInt(text, 8) : 0
  if (mode >= 2 ** 32) return 0
  return (mode & 0o777) | (mode & 2 ** 23 ? 0o4000 : 0) | (mode & 2 ** 22 ? 0o2000 : 0) | (mode & 2 ** 20 ? 0o1000 : 0)
}
