import { boundary, multipart } from '../multipart.ts'
import type { FileContent } from '../multipart.ts'
import { segment } from './caller.ts'
import type { CallOptions, ServiceCall, ServiceCaller } from './caller.ts'
import type {
  BulkFilter, ChangedPins, Deleted, FileListing, FilePage, FollowedFile, Group, StoredFile, TaskStarted, UploadOptions
} from './types.ts'

/** A file to upload; in a directory `path` has slashes. */
export interface UploadFile { path: string, content: FileContent }

const path = '/api/v1/files'

/** The files of the account: uploads, lists, content, pins, and changes of many at once. */
export class ServiceFiles {
  readonly #caller: ServiceCaller

  constructor (caller: ServiceCaller) { this.#caller = caller }

  upload (file: UploadFile, options: UploadOptions & CallOptions = {}): Promise<StoredFile> {
    return this.#caller.data(uploadCall(`${path}/upload`, [file], options))
  }

  /**
   * Many files as one directory, which the paths' common first part names. They may be found while the upload runs, where the platform
   * streams.
   */
  uploadDirectory (
    files: Iterable<UploadFile> | AsyncIterable<UploadFile>, options: UploadOptions & CallOptions = {}
  ): Promise<StoredFile> {
    return this.#caller.data(uploadCall(`${path}/upload`, files, { ...options, directory: true }))
  }

  page ({ signal, ...query }: FileListing & CallOptions & { total?: boolean } = {}): Promise<FilePage> {
    return this.#caller.json({ method: 'GET', path, query: { ...query }, ...(signal == null ? {} : { signal }) })
  }

  /** All that fit, page by page. */
  async * list (listing: FileListing & CallOptions = {}): AsyncGenerator<FollowedFile, void, undefined> {
    for (let cursor = listing.cursor; ;) {
      const { data, next_cursor: next } = await this.page({ ...listing, ...(cursor == null ? {} : { cursor }) })
      yield * data
      if (next == null) return
      cursor = next
    }
  }

  get (cid: string, options: CallOptions = {}): Promise<FollowedFile> { return this.#caller.data({
    method: 'GET', path: `${path}/${segment(cid)}`, ...options
  }) }

  /** The content; of a directory, a tar. `range`: first and last byte. */
  retrieve (cid: string, { range, ...options }: CallOptions & { range?: readonly [number, number] } = {}): AsyncGenerator<Uint8Array, void,
  undefined> {
    const headers = range == null ? {} : { range: `bytes=${range[0]}-${range[1]}` }
    return this.#caller.bytes({ method: 'GET', path: `${path}/retrieve/${segment(cid)}`, headers, ...options })
  }

  fromCid (
    pin: { cid: string, name?: string, group?: string, meta?: Record<string, string>, origins?: string[] }, options: CallOptions = {}
  ): Promise<StoredFile> {
    return this.#caller.data({ method: 'POST', path: `${path}/from-cid`, json: pin, ...options })
  }

  change (
    cid: string, changes: { original_filename?: string, group?: string | null, meta?: Record<string, string> }, options: CallOptions = {}
  ): Promise<StoredFile> {
    return this.#caller.data({ method: 'PATCH', path: `${path}/${segment(cid)}`, json: changes, ...options })
  }

  pin (cid: string, options: CallOptions = {}): Promise<void> { return this.#caller.done({
    method: 'POST', path: `${path}/${segment(cid)}/pin`, ...options
  }) }
  unpin (cid: string, options: CallOptions = {}): Promise<void> { return this.#caller.done({
    method: 'POST', path: `${path}/${segment(cid)}/unpin`, ...options
  }) }
  delete (cid: string, options: CallOptions = {}): Promise<void> { return this.#caller.done({
    method: 'DELETE', path: `${path}/${segment(cid)}`, ...options
  }) }

  /** Up to 100 at once; more are deleted by a task. */
  deleteMany (cids: readonly string[], options: CallOptions = {}): Promise<Deleted | TaskStarted> { return this.#caller.data({
    method: 'POST', path: `${path}/delete/bulk`, json: { cids }, ...options
  }) }
  /** All that fit; `{}` is everything. */
  deleteWhere (filter: BulkFilter, options: CallOptions = {}): Promise<TaskStarted> { return this.#caller.data({
    method: 'POST', path: `${path}/delete/bulk`, json: { filter }, ...options
  }) }

  /** Up to 100 at once; more are done by a task. */
  pinMany (cids: readonly string[], options: CallOptions = {}): Promise<ChangedPins | TaskStarted> {
    return this.#bulk('pin', { cids }, options)
  }
  pinWhere (filter: BulkFilter, options: CallOptions = {}): Promise<TaskStarted> { return this.#bulk('pin', { filter }, options) }
  unpinMany (cids: readonly string[], options: CallOptions = {}): Promise<ChangedPins | TaskStarted> {
    return this.#bulk('unpin', { cids }, options)
  }
  unpinWhere (filter: BulkFilter, options: CallOptions = {}): Promise<TaskStarted> { return this.#bulk('unpin', { filter }, options) }

  #bulk<Data> (what: 'pin' | 'unpin', json: unknown, options: CallOptions): Promise<Data> {
    return this.#caller.data({ method: 'POST', path: `${path}/${what}/bulk`, json, ...options })
  }
}

/** A call that uploads in one request. Options go into the query. */
export function uploadCall (
  to: string, files: Iterable<UploadFile> | AsyncIterable<UploadFile>, { signal, ...options }: UploadOptions & CallOptions
): ServiceCall {
  const { contentType, body } = multipart(files, boundary(), { filename: formName })
  return {
    method: 'POST', path: to, query: { ...options }, headers: { 'content-type': contentType }, body: body(),
    ...(signal == null ? {} : { signal })
  }
}

/** As browsers write it. */
const formName = (name: string): string => name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A')

/** Groups that the account's files may be in: a file is in one or none. */
export class ServiceGroups {
  readonly #caller: ServiceCaller

  constructor (caller: ServiceCaller) { this.#caller = caller }

  list (options: CallOptions = {}): Promise<Group[]> { return this.#caller.data({ method: 'GET', path: '/api/v1/groups', ...options }) }
  create (name: string, options: CallOptions = {}): Promise<Group> { return this.#caller.data({
    method: 'POST', path: '/api/v1/groups', json: { name }, ...options
  }) }
  rename (id: string, name: string, options: CallOptions = {}): Promise<Group> { return this.#caller.data({
    method: 'PATCH', path: `/api/v1/groups/${segment(id)}`, json: { name }, ...options
  }) }
  /** Its files stay. */
  delete (id: string, options: CallOptions = {}): Promise<void> { return this.#caller.done({
    method: 'DELETE', path: `/api/v1/groups/${segment(id)}`, ...options
  }) }
}
