import { LineCutter } from '../../base/text/line-cutter.ts'
import { segment } from './caller.ts'
import type { CallOptions, ServiceCaller } from './caller.ts'
import { uploadCall } from './files.ts'
import type { UploadFile } from './files.ts'
import type { CreatedLink, LinkLimits, NewLink, ResumableUpload, StoredFile, UploadEvent, UploadLink, UploadOptions } from './types.ts'

export interface SendOptions extends CallOptions {
  /** Bytes of one request; a function is asked before each. Default 8 MiB. */
  chunkBytes?: number | (() => number)
  /** Told of the bytes that are safe, also after a crash of the service. */
  onProgress? (offset: number): void
}

const tus = { 'tus-resumable': '1.0.0' }

/** Uploads that can be broken off and gone on with (tus 1.0): of the account, or by a link. */
export class ResumableUploads {
  readonly #caller: ServiceCaller
  readonly #path: string

  constructor (caller: ServiceCaller, path: string) {
    this.#caller = caller
    this.#path = path
  }

  /** Begins one and reserves its bytes; the answer is its ID. A directory comes as a tar (`tarOf`, with the format `tar`) or a CAR. */
  async create (
    file: { name: string, type?: string, sizeBytes: number }, { signal, ...options }: Omit<UploadOptions, 'directory'> & CallOptions = {}
  ): Promise<string> {
    const fields = { filename: file.name, filetype: file.type, ...options }
    const metadata = Object.entries(fields).flatMap(
      ([name, value]) => value == null ? [] : [`${name} ${base64(typeof value === 'string' ? value : JSON.stringify(value))}`]
    ).join(',')
    const headers = { ...tus, 'upload-length': String(file.sizeBytes), 'upload-metadata': metadata }
    const response = await this.#caller.send({ method: 'POST', path: this.#path, headers, ...(signal == null ? {} : { signal }) })
    return decodeURIComponent((response.headers.get('location') ?? '').replace(/\/$/, '').split('/').at(-1) ?? '')
  }

  /** Sends what is missing; called again after a failure, it goes on where the service is. Resolves when the last byte is safe. */
  async send (id: string, content: Blob, { signal, chunkBytes = 8 * 1024 * 1024, onProgress }: SendOptions = {}): Promise<ResumableUpload> {
    const options = signal == null ? {} : { signal }
    let offset = (await this.status(id, options)).offset
    while (offset < content.size) {
      const headers = { ...tus, 'content-type': 'application/offset+octet-stream', 'upload-offset': String(offset) }
      const body = content.slice(offset, offset + (typeof chunkBytes === 'number' ? chunkBytes : chunkBytes()))
      const response = await this.#caller.send({ method: 'PATCH', path: this.#one(id), headers, body, ...options })
      offset = Number(response.headers.get('upload-offset'))
      onProgress?.(offset)
    }
    return this.status(id, options)
  }

  status (id: string, options: CallOptions = {}): Promise<ResumableUpload> { return this.#caller.data({
    method: 'GET', path: this.#one(id), ...options
  }) }
  delete (id: string, options: CallOptions = {}): Promise<void> { return this.#caller.done({
    method: 'DELETE', path: this.#one(id), headers: tus, ...options
  }) }

  #one (id: string): string { return `${this.#path}/${segment(id)}` }
}

/** The account's own resumable uploads. */
export class ServiceUploads extends ResumableUploads {
  readonly #caller: ServiceCaller

  constructor (caller: ServiceCaller) {
    super(caller, '/api/v1/uploads')
    this.#caller = caller
  }

  list (options: CallOptions = {}): Promise<ResumableUpload[]> { return this.#caller.data({
    method: 'GET', path: '/api/v1/uploads', ...options
  }) }

  /** How far uploads of both kinds are, as the peer that is asked sees them, until the iteration ends. */
  async * events (options: CallOptions = {}): AsyncGenerator<UploadEvent, void, undefined> {
    const decoder = new TextDecoder()
    const cutter = new LineCutter()
    for await (const chunk of this.#caller.bytes({ method: 'GET', path: '/api/v1/uploads/events', ...options })) {
      for (const line of cutter.push(decoder.decode(chunk, { stream: true }))) {
        if (line.startsWith('data: ')) yield JSON.parse(line.slice('data: '.length)) as UploadEvent
      }
    }
  }
}

/** Links that let others upload into the account. `limits`, `upload` and `resumable` need no key: they are for who has the secret. */
export class ServiceLinks {
  readonly #caller: ServiceCaller

  constructor (caller: ServiceCaller) { this.#caller = caller }

  /** `secret` and the addresses are shown only here. */
  create (link: NewLink = {}, options: CallOptions = {}): Promise<CreatedLink> { return this.#caller.data({
    method: 'POST', path: '/api/v1/links', json: link, ...options
  }) }
  list (options: CallOptions = {}): Promise<UploadLink[]> { return this.#caller.data({ method: 'GET', path: '/api/v1/links', ...options }) }
  revoke (id: string, options: CallOptions = {}): Promise<void> { return this.#caller.done({
    method: 'DELETE', path: `/api/v1/links/${segment(id)}`, ...options
  }) }

  limits (secret: string, options: CallOptions = {}): Promise<LinkLimits> { return this.#caller.data({
    method: 'GET', path: `/api/v1/links/${segment(secret)}/limits`, ...options
  }) }
  upload (secret: string, file: UploadFile, options: UploadOptions & CallOptions = {}): Promise<StoredFile> {
    return this.#caller.data(uploadCall(`/api/v1/links/${segment(secret)}/upload`, [file], options))
  }
  resumable (secret: string): ResumableUploads { return new ResumableUploads(this.#caller, `/api/v1/links/${segment(secret)}/uploads`) }
}

/** btoa takes Latin-1 alone. */
const base64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)))
