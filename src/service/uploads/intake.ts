import { ClusterError, invalidArgument } from '../../base/errors.ts'
import type { UploadEntry } from '../../model/add.ts'
import type { LinkRow } from '../sql/tables.ts'
import type { Lease } from './lease.ts'
import { allowsType } from './link-limits.ts'
import type { UploadFormat, UploadPart } from './uploads.ts'

/** Names go into an index of the database. */
export const longestName = 255
const longestPath = 4096

export interface IntakeInit {
  format: UploadFormat
  link: LinkRow | undefined
  /** Told of each piece that came: bytes so far. */
  onBytes: (bytes: number) => void
}

/**
 * Takes the parts of one upload: counts their content, keeps the quota ahead of it, and refuses what isn't meant by the format or allowed
 * by the link.
 */
export class Intake {
  readonly #init: IntakeInit
  readonly #lease: Pick<Lease, 'cover'>
  #bytes = 0
  #entries = 0
  #contentType = ''
  /** Of a directory's files. The importer would keep the last one of a path, and nobody would know. */
  readonly #paths = new Set<string>()
  /** What all paths begin with; null: there is no such thing. */
  #top: string | null = null

  constructor (init: IntakeInit, lease: Pick<Lease, 'cover'>) {
    this.#init = init
    this.#lease = lease
  }

  /** Content so far. */
  get bytes (): number { return this.#bytes }
  /** Of a single file. */
  get contentType (): string { return this.#contentType }
  /** What the upload calls itself; '' when it doesn't. */
  get name (): string { return (this.#top ?? '').toWellFormed() }

  async * entries (parts: AsyncIterable<UploadPart>): AsyncGenerator<UploadEntry, void, undefined> {
    for await (const { entry, contentType } of parts) {
      this.#admit(entry, contentType)
      if (entry.kind !== 'file') yield entry
      // a single file's CID doesn't depend on where its sender had it
      else yield { ...entry, path: this.#init.format === 'directory' ? entry.path : 'content', content: this.#counted(entry.content) }
    }
    if (this.#entries === 0) throw invalidArgument('there is no file in the upload')
  }

  #admit (entry: UploadEntry, contentType: string): void {
    const { format, link } = this.#init
    const { path } = entry
    const isFirst = this.#entries++ === 0
    if (path.length > longestPath) throw invalidArgument('the path is too long')
    if (format === 'directory') {
      const [top = '', ...rest] = path.split('/')
      const folder = rest.length > 0 || entry.kind === 'directory' ? top : null
      if (path === '') throw invalidArgument('each part of a directory needs a path')
      if (entry.kind !== 'directory') this.#admitPath(path)
      this.#top = isFirst || this.#top === folder ? folder : null
    } else {
      if (!isFirst) throw invalidArgument('there is more than one file in the upload; directory=true takes many')
      if (entry.kind !== 'file') throw invalidArgument('there is no file in the upload')
      this.#top = path.slice(path.lastIndexOf('/') + 1)
    }
    if (link != null && entry.kind === 'file' && !allowsType(link, contentType)) {
      throw invalidArgument('the link does not allow this type', { contentType })
    }
    if (isFirst) this.#contentType = contentType
  }

  #admitPath (path: string): void {
    if (this.#paths.has(path)) throw invalidArgument(`${JSON.stringify(path.slice(0, 200))} comes twice in the upload`)
    this.#paths.add(path)
  }

  async * #counted (content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of content) {
      this.#bytes += piece.length
      const { link, onBytes } = this.#init
      if (link?.max_bytes != null && this.#bytes > link.max_bytes) {
        throw new ClusterError('TOO_LARGE', { allowed: link.max_bytes }, { message: `the link allows ${link.max_bytes} bytes` })
      }
      const wait = this.#lease.cover(this.#bytes)
      if (wait != null) await wait
      onBytes(this.#bytes)
      yield piece
    }
  }
}
