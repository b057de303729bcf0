import { join } from 'node:path'
import { ClusterError } from '../../base/errors.ts'
import type { SegmentFile, SegmentFiles } from './files.ts'

interface OpenFile { file: Promise<SegmentFile>, users: number, isClosed: boolean }

const nameOf = (id: number): string => `${String(id).padStart(10, '0')}.segment`
const namePattern = /^(\d{10})\.segment$/

/** The segment files of one folder by number. Keeps the last used ones open, and never closes one that is in use. */
export class SegmentFolder {
  readonly #folder: string
  readonly #files: SegmentFiles
  readonly #openFiles: number
  /** Least recently used first. */
  readonly #open = new Map<number, OpenFile>()
  #namesChanged = false
  #syncingNames: Promise<void> | undefined

  constructor (init: { folder: string, openFiles: number }, files: SegmentFiles) {
    this.#folder = init.folder
    this.#openFiles = init.openFiles
    this.#files = files
  }

  /** Numbers and sizes of the segments there are. */
  async list (): Promise<Map<number, number>> {
    const sizes = new Map<number, number>()
    for (const { name, sizeBytes } of await this.#files.list(this.#folder)) {
      const id = namePattern.exec(name)?.[1]
      if (id != null) sizes.set(Number(id), sizeBytes)
    }
    return sizes
  }

  async create (id: number): Promise<void> {
    const file = await this.#files.open(this.#path(id), { create: true })
    this.#namesChanged = true
    this.#open.set(id, { file: Promise.resolve(file), users: 0, isClosed: false })
  }

  /** Lends the file; it stays open until `work` is done, even when it is removed meanwhile. A missing one rejects with NOT_FOUND. */
  async use<T> (id: number, work: (file: SegmentFile) => Promise<T>): Promise<T> {
    const entry = this.#entry(id)
    entry.users++
    try {
      return await work(await entry.file)
    } finally {
      entry.users--
      // It was removed meanwhile.
      if (entry.users === 0 && this.#open.get(id) !== entry) await this.#close(entry)
      await this.#trim()
    }
  }

  async remove (id: number): Promise<void> {
    const entry = this.#open.get(id)
    this.#open.delete(id)
    await this.#files.remove(this.#path(id)).catch(err => { if (err.code !== 'ENOENT') throw err })
    this.#namesChanged = true
    if (entry?.users === 0) await this.#close(entry)
  }

  /** Closes the file as soon as nobody uses it. */
  async forget (id: number): Promise<void> {
    const entry = this.#open.get(id)
    this.#open.delete(id)
    if (entry?.users === 0) await this.#close(entry)
  }

  /** Makes created and removed files survive a power loss. */
  async syncNames (): Promise<void> {
    if (this.#namesChanged) {
      this.#namesChanged = false
      this.#syncingNames = this.#syncNamesBehind(this.#syncingNames)
    }
    await this.#syncingNames
  }

  async #syncNamesBehind (before: Promise<void> | undefined): Promise<void> {
    await before?.catch(() => {})
    try {
      await this.#files.syncFolder(this.#folder)
    } catch (err) {
      this.#namesChanged = true
      throw err
    }
  }

  /** Closes all; nobody may be using them. */
  async close (): Promise<void> {
    const entries = [...this.#open.values()]
    this.#open.clear()
    await Promise.all(entries.map(async entry => this.#close(entry)))
  }

  #entry (id: number): OpenFile {
    const entry = this.#open.get(id) ?? { file: this.#openExisting(id), users: 0, isClosed: false }
    this.#open.delete(id)
    this.#open.set(id, entry)
    return entry
  }

  async #openExisting (id: number): Promise<SegmentFile> {
    try {
      return await this.#files.open(this.#path(id), { create: false })
    } catch (err) {
      this.#open.delete(id)
      if (err instanceof Error && 'code' in err && err.code === 'ENOENT') {
        throw new ClusterError('NOT_FOUND', { file: this.#path(id) }, { cause: err })
      }
      throw err
    }
  }

  async #trim (): Promise<void> {
    for (const [id, entry] of this.#open) {
      if (this.#open.size <= this.#openFiles) return
      if (entry.users > 0) continue
      this.#open.delete(id)
      await this.#close(entry)
    }
  }

  async #close (entry: OpenFile): Promise<void> {
    if (entry.isClosed) return
    entry.isClosed = true
    // A file that didn't open needs no closing; who asked for it knows.
    await entry.file.then(async file => file.close(), () => {})
  }

  #path (id: number): string { return join(this.#folder, nameOf(id)) }
}
