import type { CID } from 'multiformats/cid'
import type { ByteRange, GetBlock, Prefetch, UnixFsNode } from '../../dag-reader.ts'
import { FileScout } from './file-scout.ts'

export interface LookAheadInit { node: UnixFsNode, range: ByteRange }
export interface LookAheadDeps { get: GetBlock, prefetch: Prefetch | undefined }

/** Has what is elsewhere of a file fetched before its reader comes to it. A file that is here costs nothing but a look at each part. */
export class LookAhead {
  readonly #init: LookAheadInit
  readonly #deps: LookAheadDeps
  #position: number
  #scout: FileScout | undefined

  constructor (init: LookAheadInit, deps: LookAheadDeps) {
    this.#init = init
    this.#deps = deps
    this.#position = init.range.from
  }

  /** A part that is about to be read. */
  look (cid: CID): void {
    const { get, prefetch } = this.#deps
    if (this.#scout != null || prefetch == null) return
    const coming = prefetch(cid)
    if (coming == null) return
    coming.catch(() => {})
    this.#scout = new FileScout(this.#position, { get, prefetch })
    void this.#scout.run(this.#init.node, { ...this.#init.range, from: this.#position })
  }

  /** The reader has so many bytes of content more. `waited`: it had to wait for them. */
  took (bytes: number, waited: boolean): void {
    this.#position += bytes
    this.#scout?.took(bytes, waited)
  }

  stop (): void { this.#scout?.stop() }
}
