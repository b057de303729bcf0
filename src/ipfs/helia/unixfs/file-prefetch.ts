import type { CID } from 'multiformats/cid'
import type { ByteRange, GetBlock, Prefetch, UnixFsNode } from '../../dag-reader.ts'
import { PrefetchWalk } from './prefetch-walk.ts'

export interface FilePrefetchInit { node: UnixFsNode, range: ByteRange }
export interface FilePrefetchDeps { get: GetBlock, prefetch: Prefetch | undefined }

/** Has what is elsewhere of a file fetched before its reader comes to it. A file that is here costs nothing but a look at each part. */
export class FilePrefetch {
  readonly #init: FilePrefetchInit
  readonly #deps: FilePrefetchDeps
  #position: number
  #walk: PrefetchWalk | undefined

  constructor (init: FilePrefetchInit, deps: FilePrefetchDeps) {
    this.#init = init
    this.#deps = deps
    this.#position = init.range.from
  }

  /** A part that is about to be read. */
  look (cid: CID): void {
    const { get, prefetch } = this.#deps
    if (this.#walk != null || prefetch == null) return
    const coming = prefetch(cid)
    if (coming == null) return
    coming.catch(() => {})
    this.#walk = new PrefetchWalk(this.#position, { get, prefetch })
    void this.#walk.run(this.#init.node, { ...this.#init.range, from: this.#position })
  }

  /** The reader has so many bytes of content more. `waited`: it had to wait for them. */
  took (bytes: number, waited: boolean): void {
    this.#position += bytes
    this.#walk?.took(bytes, waited)
  }

  stop (): void { this.#walk?.stop() }
}
