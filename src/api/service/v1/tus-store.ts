import { AsyncLocalStorage } from 'node:async_hooks'
import type { Readable } from 'node:stream'
import { DataStore, Upload } from '@tus/server'
import { ClusterError } from '../../../base/errors.ts'
import type { ResumableUpload, ResumableUploads, Uploader } from '../../../service/uploads/uploads.ts'
import { uploadRequest } from './upload-options.ts'
import { filePath } from './upload-form.ts'

/** One request on its way through the tus server, which knows nothing of who asks. */
export interface TusRequest {
  uploader: Uploader
  /** What the addresses of uploads begin with. */
  url: string
  /** What an upload that is asked for has to come from; null: the account itself. */
  link: string | null
  /** Bytes come with it: the upload has to be open. The tus server would compare lengths first. */
  isWrite: boolean
  /** What went wrong in the store, as it was: the tus server makes texts of it. */
  failure?: unknown
}

/** An open upload lives so long after its last byte. The tus server counts from a creation, so it is told one that fits. */
const lifeMs = 24 * 60 * 60_000

/** Resumable uploads as the tus server wants them stored. */
export class TusStore extends DataStore {
  override extensions = ['creation', 'creation-with-upload', 'creation-defer-length', 'termination', 'expiration']
  readonly requests = new AsyncLocalStorage<TusRequest>()
  readonly #uploads: ResumableUploads

  constructor (uploads: ResumableUploads) {
    super()
    this.#uploads = uploads
  }

  override getExpiration (): number { return lifeMs }

  override async create (upload: Upload): Promise<Upload> {
    return await this.#for(async ({ uploader }) => {
      const { filename, name = filename, filetype, type = filetype, ...more } = given(upload.metadata)
      const isTar = more['format'] === 'tar'
      const { format, pin, group, meta } = uploadRequest({}, { ...more, ...(isTar ? { format: 'file' } : {}) })
      if (format === 'directory') {
        throw new ClusterError('INVALID_ARGUMENT', {}, {
          message: 'a directory comes as a tar (format=tar) or a CAR (format=car), or in one multipart request'
        })
      }
      await this.#uploads.create(uploader, {
        id: upload.id,
        length: upload.size ?? null,
        format: isTar ? 'directory' : format,
        pin,
        name: filePath(name ?? '').replace(/^.*\//, ''),
        contentType: isTar ? directoryType : mediaType(type),
        group: uploader.link?.group_id ?? group,
        meta,
        client: JSON.stringify(upload.metadata ?? {})
      })
      return upload
    })
  }

  override async getUpload (id: string): Promise<Upload> {
    return await this.#for(async ({ uploader, link, isWrite }) => {
      const upload = await this.#uploads.get(uploader.user, id)
      refuseOtherLink(upload, link)
      if (isWrite && upload.state !== 'open') throw new ClusterError('CONFLICT', { id }, { message: 'the upload has all of its bytes' })
      const { offset, length, client, expiresAt } = upload
      return new Upload({
        id,
        offset,
        metadata: JSON.parse(client) as Record<string, string | null>,
        creation_date: new Date(expiresAt - lifeMs).toISOString(),
        ...(length == null ? {} : { size: length })
      })
    })
  }

  override async declareUploadLength (id: string, length: number): Promise<void> {
    await this.#for(async ({ uploader }) => this.#uploads.declareLength(uploader.user, id, length))
  }

  override async write (stream: Readable, id: string, offset: number): Promise<number> {
    return await this.#for(async ({ uploader }) => this.#uploads.append(uploader.user, id, offset, stream))
  }

  override async remove (id: string): Promise<void> {
    await this.#for(async ({ uploader, link }) => {
      refuseOtherLink(await this.#uploads.get(uploader.user, id), link)
      await this.#uploads.remove(uploader.user, id)
    })
  }

  async #for<T> (work: (request: TusRequest) => Promise<T>): Promise<T> {
    const request = this.requests.getStore()
    if (request == null) throw new ClusterError('INTERNAL', {}, { message: 'nobody asks' })
    try {
      return await work(request)
    } catch (err) {
      request.failure ??= err
      throw err
    }
  }
}

/** A link is no key: it shows what came with it, and nothing else of the account. */
export function refuseOtherLink (upload: ResumableUpload, link: string | null): void {
  if (link != null && upload.link !== link) {
    throw new ClusterError('NOT_FOUND', { id: upload.id }, { message: 'there is no such upload, or it has expired' })
  }
}

const given = (metadata: Upload['metadata']): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata ?? {}).map(([key, value]) => [key, value ?? '']))

const directoryType = 'application/x-directory'

/** As in a multipart part: lower case, without parameters. */
const mediaType = (text: string | undefined): string => (text ?? '').split(';')[0]?.trim().toLowerCase().slice(0, 127)
  || 'application/octet-stream'
