import type { ResumableUploads } from '../../../client/service/service-client.ts'
import { tarPieces } from '../../../client/service/tar-of.ts'
import { errorText } from '../errors.ts'
import { Slices } from '../slices.ts'
import { createStore } from '../store.ts'
import type { Store } from '../store.ts'
import { Pace, Speed } from './pace.ts'
import { isSame, marksOf, pickedByHandle } from './picked-files.ts'
import type { Picked } from './picked-files.ts'
import { failureOf, isOver, isUnderWay, waitMs } from './upload-item.ts'
import type { UploadItem, UploadState } from './upload-item.ts'
import type { UploadRecord, UploadRecords } from './upload-records.ts'

export interface UploadQueueInit {
  /** Sent side by side. Default 3. */
  parallel?: number
}

export interface UploadQueueDeps {
  /** Of the account, or of an upload link. */
  uploads: Pick<ResumableUploads, 'create' | 'send' | 'status' | 'delete'>
  /** Files of up to so many bytes in one request: a thousand small ones are soon there. Absent: all are sent in several. */
  whole?: { bytes: number, send: (file: { name: string, content: Blob } & UploadChoice, signal: AbortSignal) => Promise<{ cid: string }> }
  records: UploadRecords
  clock: { now: () => number, sleep: (ms: number, signal: AbortSignal) => Promise<void> }
  newId: () => string
  /** One tab sends an upload at a time. Absent where the browser has no locks. */
  locks?: LockManager | undefined
}

/** What the form asks besides the files. */
export interface UploadChoice { pin: 'now' | 'on-access', group: string | null }

/** An upload of this page. */
interface Entry {
  record: UploadRecord
  blob: Blob | null
  stop: AbortController | null
  /** What was stopped may take a moment to end. */
  isRunning: boolean
  tries: number
}

/** What is kept of so many is written in a few milliseconds. */
const takenAtOnce = 64
const fateEveryMs = 700
/** Progress is told no more often. */
const toldEveryMs = 200

/**
 * Uploads that go on in the background, whichever page is shown, and after a reload. What is kept of them is in `records`; the bytes stay
 * in the files, and every request says from where on it sends. `items` is what a page draws.
 */
export class UploadQueue {
  readonly items: Store<readonly UploadItem[]> = createStore<readonly UploadItem[]>([])
  readonly #parallel: number
  readonly #deps: UploadQueueDeps
  readonly #entries = new Map<string, Entry>()
  #owner: string | null = null
  #running = 0

  constructor ({ parallel = 3 }: UploadQueueInit, deps: UploadQueueDeps) {
    this.#parallel = parallel
    this.#deps = deps
  }

  /**
   * Whose uploads these are from now on; null: nobody is logged in, and nothing is sent. The same owner again: what waited for that goes
   * on.
   */
  async setOwner (owner: string | null): Promise<void> {
    if (owner == null) {
      for (const { id } of this.items.get().filter(isUnderWay)) this.#halt(id, 'signed-out')
      return
    }
    if (owner === this.#owner) {
      for (const { id, state } of this.items.get()) if (state === 'signed-out') this.resume(id)
      return
    }
    for (const { stop } of this.#entries.values()) stop?.abort()
    this.#entries.clear()
    this.items.set([])
    this.#owner = owner
    const records = await this.#deps.records.all(owner)
    if (this.#owner !== owner) return
    for (const record of records) this.#entries.set(record.id, { record, blob: null, stop: null, isRunning: false, tries: 0 })
    this.items.set(items => [...items, ...records.map(record => itemOf(record, 'paused'))])
    await Promise.all(records.map(async ({ id }) => this.#restore(id)))
  }

  /** Resolves when they are in the list: of files at once, of thousands and of large folders bit by bit. */
  async add (picked: readonly Picked[], choice: UploadChoice): Promise<void> {
    const owner = this.#owner
    if (owner == null) return
    const slices = new Slices(this.#deps.clock)
    let ready: Entry[] = []
    for (const one of picked) {
      const blob = one.kind === 'file' ? fileOf(one) : await this.#tarOf(one)
      if (owner !== this.#owner) return
      ready.push({ record: this.#recordOf(one, { owner, blob, choice }), blob, stop: null, isRunning: false, tries: 0 })
      if (ready.length < takenAtOnce) continue
      this.#take(ready)
      ready = []
      if (slices.isOver) await slices.rest()
    }
    if (owner === this.#owner) this.#take(ready)
  }

  #recordOf (picked: Picked, { owner, blob, choice: { pin, group } }: { owner: string, blob: Blob, choice: UploadChoice }): UploadRecord {
    const { kind, name, handle } = picked
    return {
      id: this.#deps.newId(), owner, kind, name, type: kind === 'file' ? blob.type : '', sizeBytes: blob.size, marks: marksOf(picked), pin,
      group,
      addedAt: this.#deps.clock.now(), isPaused: false, uploadId: null, handle
    }
  }

  #take (entries: readonly Entry[]): void {
    if (entries.length === 0) return
    for (const entry of entries) this.#entries.set(entry.record.id, entry)
    void this.#deps.records.put(entries.map(({ record }) => record))
    this.items.set(items => [...items, ...entries.map(({ record }) => itemOf(record, 'waiting'))])
    this.#pump()
  }

  pause (id: string): void {
    this.#halt(id, 'paused')
    void this.#keep(id, { isPaused: true })
  }

  /** Goes on, or tries again what has failed. */
  resume (id: string): void {
    const entry = this.#entries.get(id)
    if (entry == null) return
    entry.tries = 0
    const hasFailed = this.#itemOf(id)?.state === 'failed'
    void this.#keep(id, hasFailed ? { isPaused: false, uploadId: null } : { isPaused: false })
    this.#change(id, {
      ...(hasFailed ? { sentBytes: 0 } : {}), state: entry.blob == null ? 'needs-files' : 'waiting', error: null, nextTryAt: null
    })
    this.#pump()
  }

  /** Ends it, here and at the service. */
  async cancel (id: string): Promise<void> {
    const entry = this.#entries.get(id)
    entry?.stop?.abort()
    this.#remove(id)
    await this.#deps.records.remove(id)
    if (entry?.record.uploadId != null) await this.#deps.uploads.delete(entry.record.uploadId).catch(() => {}) // else it expires
    this.#pump()
  }

  pauseAll (): void {
    for (const { id, state } of this.items.get()) if (state === 'waiting' || state === 'sending' || state === 'retrying') this.pause(id)
  }
  resumeAll (): void { for (const { id, state } of this.items.get()) if (state === 'paused') this.resume(id) }

  /** Takes what is done or has failed out of the list. */
  clear (): void {
    for (const item of this.items.get()) {
      if (!isOver(item)) continue
      this.#entries.delete(item.id)
      void this.#deps.records.remove(item.id)
    }
    this.items.set(items => items.filter(item => !isOver(item)))
  }

  /** Asks the browser to read the file of before again; to be called for a click. */
  async allow (id: string): Promise<void> {
    const entry = this.#entries.get(id)
    const handle = entry?.record.handle as PermittedHandle | null | undefined
    if (entry == null || handle == null) return
    const answer = await handle.requestPermission?.({ mode: 'read' }).catch(() => 'denied' as const) ?? 'granted'
    if (answer === 'granted') await this.#readAgain(entry)
    else this.#change(id, { state: 'needs-files' })
  }

  /** Files that were chosen again: those whose upload waits for them go on. Gives the others. */
  choose (picked: readonly Picked[]): Picked[] {
    const waiting = Map.groupBy(
      [...this.#entries.values()].filter(({ blob }) => blob == null), ({ record: { kind, name } }) => `${kind} ${name}`
    )
    if (waiting.size === 0) return [...picked]
    const again: Array<{ entry: Entry, picked: Picked }> = []
    const fresh = picked.filter(one => {
      const alike = waiting.get(`${one.kind} ${one.name}`) ?? []
      const at = alike.findIndex(({ record }) => isSame(record.marks, one))
      const [entry] = at < 0 ? [] : alike.splice(at, 1)
      if (entry != null) again.push({ entry, picked: one })
      return entry == null
    })
    void this.#goOn(again)
    return fresh
  }

  async #goOn (again: ReadonlyArray<{ entry: Entry, picked: Picked }>): Promise<void> {
    const slices = new Slices(this.#deps.clock)
    for (const { entry, picked } of again) {
      const { id } = entry.record
      entry.blob = picked.kind === 'file' ? fileOf(picked) : await this.#tarOf(picked)
      void this.#keep(id, picked.handle == null ? {} : { handle: picked.handle })
      this.resume(id)
      if (slices.isOver) await slices.rest()
    }
  }

  /** The page goes on drawing meanwhile. */
  async #tarOf ({ files }: Picked): Promise<Blob> {
    const pieces: Blob[] = []
    for (const piece of tarPieces(files.map(({ path, file }) => ({ path, content: file })))) {
      pieces.push(piece)
      await this.#deps.clock.sleep(0, new AbortController().signal)
    }
    return new Blob(pieces, { type: 'application/x-tar' })
  }

  /** What waited for the peer tries now. */
  wake (): void { for (const { id, state } of this.items.get()) if (state === 'retrying') this.resume(id) }

  #pump (): void {
    for (const { id, state } of this.items.get()) {
      if (this.#running >= this.#parallel) return
      const entry = this.#entries.get(id)
      if (state !== 'waiting' || entry == null || entry.isRunning) continue
      this.#running++
      entry.isRunning = true
      const stop = entry.stop = new AbortController()
      this.#change(id, { state: 'sending', error: null })
      void this.#locked(id, async () => this.#run(entry, stop.signal)).finally(() => {
        this.#running--
        entry.isRunning = false
        if (entry.stop === stop) entry.stop = null
        this.#pump()
      })
    }
  }

  /** Undefined when another tab sends it; then it is looked at again once that has ended. */
  async #locked (id: string, work: () => Promise<void>): Promise<void> {
    const { locks } = this.#deps
    if (locks == null) return work()
    await locks.request(lockOf(id), { ifAvailable: true }, async lock => {
      if (lock != null) await work()
      else this.#waitForOther(id)
    })
  }

  #waitForOther (id: string): void {
    this.#change(id, { state: 'elsewhere' })
    void this.#deps.locks?.request(lockOf(id), async () => {}).then(async () => {
      const entry = this.#entries.get(id)
      if (entry != null) await this.#lookAfterOther(entry)
    })
  }

  /** The other tab has stopped, for now or for good. */
  async #lookAfterOther (entry: Entry): Promise<void> {
    const { records, uploads } = this.#deps
    const { id, owner, uploadId } = entry.record
    const record = (await records.all(owner)).find(one => one.id === id)
    if (record != null) {
      entry.record = record
      await this.#look(entry)
      return
    }
    const found = uploadId == null ? null : await uploads.status(uploadId).catch(() => null)
    if (found?.state === 'done') this.#change(id, { state: 'done', cid: found.cid, sentBytes: entry.record.sizeBytes })
    else this.#remove(id)
  }

  #remove (id: string): void {
    this.#entries.delete(id)
    this.items.set(items => items.filter(item => item.id !== id))
  }

  async #run (entry: Entry, signal: AbortSignal): Promise<void> {
    const { record: { id } } = entry
    try {
      await this.#refuseUnreadable(entry)
      if (await this.#sendWhole(entry, signal)) return
      await this.#send(entry, signal)
      await this.#follow(entry, signal)
    } catch (err) {
      if (signal.aborted) return
      if (err instanceof UnreadableError) this.#change(id, { state: 'needs-files', error: err.message })
      else await this.#failed(entry, err)
    }
  }

  /** In one request, if it is small; false when it isn't. */
  async #sendWhole ({ record, blob }: Entry, signal: AbortSignal): Promise<boolean> {
    const { whole, records } = this.#deps
    if (whole == null || blob == null || record.kind !== 'file' || record.uploadId != null || blob.size > whole.bytes) return false
    const { cid } = await whole.send({ name: record.name, content: blob, pin: record.pin, group: record.group }, signal)
    this.#change(record.id, { state: 'done', cid, sentBytes: record.sizeBytes, bytesPerSecond: null, error: null })
    await records.remove(record.id)
    return true
  }

  async #send (entry: Entry, signal: AbortSignal): Promise<void> {
    const { uploads, clock } = this.#deps
    const { record, blob } = entry
    if (blob == null) throw new UnreadableError()
    const uploadId = record.uploadId ?? await this.#begin(entry, signal)
    const pace = new Pace()
    const speed = new Speed()
    let toldAt = 0
    let before = this.#itemOf(record.id)?.sentBytes ?? 0
    await uploads.send(uploadId, blob, {
      signal,
      chunkBytes: () => pace.next(clock.now()),
      onProgress: sentBytes => {
        const now = clock.now()
        pace.done(sentBytes - before, now)
        speed.note(sentBytes, now)
        before = sentBytes
        entry.tries = 0
        if (now - toldAt < toldEveryMs && sentBytes < record.sizeBytes) return
        toldAt = now
        this.#change(record.id, { sentBytes, bytesPerSecond: speed.perSecond(now), error: null })
      }
    })
  }

  async #begin (entry: Entry, signal: AbortSignal): Promise<string> {
    const { record: { id, name, type, sizeBytes, pin, group, kind } } = entry
    const options = { pin, ...(group == null ? {} : { group }), ...(kind === 'directory' ? { format: 'tar' as const } : {}), signal }
    const uploadId = await this.#deps.uploads.create({ name, sizeBytes, ...(type === '' ? {} : { type }) }, options)
    await this.#keep(id, { uploadId })
    return uploadId
  }

  /** All bytes are there: until it is a file. */
  async #follow (entry: Entry, signal: AbortSignal): Promise<void> {
    const { uploads, clock, records } = this.#deps
    const { record: { id, sizeBytes } } = entry
    for (;;) {
      const { state, cid, error } = await uploads.status(entry.record.uploadId ?? '', { signal })
      if (state === 'done' || state === 'failed') {
        this.#change(id, {
          state, cid, error: state === 'failed' ? error ?? 'The upload could not be made a file.' : null, sentBytes: sizeBytes,
          bytesPerSecond: null
        })
        if (state === 'done') await records.remove(id)
        return
      }
      this.#change(id, { state: 'finishing', sentBytes: sizeBytes, bytesPerSecond: null, error: null })
      await clock.sleep(fateEveryMs, signal)
    }
  }

  async #failed (entry: Entry, err: unknown): Promise<void> {
    const { id } = entry.record
    const failure = failureOf(err)
    if (failure === 'signed-out') this.#change(id, { state: 'signed-out', bytesPerSecond: null })
    else if (failure === 'for-good' || (failure === 'lost' && entry.tries > 0))
      this.#change(id, { state: 'failed', error: errorText(err), bytesPerSecond: null })
    else {
      if (failure === 'lost') {
        await this.#keep(id, { uploadId: null })
        this.#change(id, { sentBytes: 0 })
      }
      this.#tryLater(entry, err)
    }
  }

  #tryLater (entry: Entry, err: unknown): void {
    const { clock } = this.#deps
    const { id } = entry.record
    const ms = waitMs(entry.tries++, (err as { retryAfterSeconds?: number | null }).retryAfterSeconds ?? null)
    this.#change(id, { state: 'retrying', error: errorText(err), nextTryAt: clock.now() + ms, bytesPerSecond: null })
    const stop = entry.stop = new AbortController()
    void clock.sleep(ms, stop.signal).then(() => {
      if (entry.stop === stop) entry.stop = null
      if (this.#itemOf(id)?.state !== 'retrying') return
      this.#change(id, { state: 'waiting', nextTryAt: null })
      this.#pump()
    }, () => {})
  }

  #halt (id: string, state: UploadState): void {
    const entry = this.#entries.get(id)
    const item = this.#itemOf(id)
    if (entry == null || item == null || isOver(item)) return
    entry.stop?.abort()
    entry.stop = null
    this.#change(id, { state, bytesPerSecond: null, nextTryAt: null })
  }

  async #restore (id: string): Promise<void> {
    const { locks } = this.#deps
    const isFree = locks == null || await locks.request(lockOf(id), { ifAvailable: true }, async lock => lock != null)
    const entry = this.#entries.get(id)
    if (entry == null) return
    if (isFree) await this.#look(entry)
    else this.#waitForOther(id)
  }

  /** How far it is, and what it needs to go on. */
  async #look (entry: Entry): Promise<void> {
    const { record: { id, uploadId, sizeBytes }, blob } = entry
    const found = uploadId == null ? null : await this.#deps.uploads.status(uploadId).catch(() => null)
    if (found != null) this.#change(id, { sentBytes: found.offset })
    if (found?.state === 'done' || found?.state === 'failed' || found?.state === 'finishing') {
      this.#change(id, { state: found.state, cid: found.cid, error: found.error, sentBytes: sizeBytes })
      if (found.state === 'done') await this.#deps.records.remove(id)
      if (found.state === 'finishing') void this.#follow(entry, new AbortController().signal).catch(async err => this.#failed(entry, err))
      return
    }
    if (blob == null) await this.#readAgain(entry)
    else if (!entry.record.isPaused) this.resume(id)
  }

  async #readAgain (entry: Entry): Promise<void> {
    const { record: { id, marks, isPaused } } = entry
    const handle = entry.record.handle as PermittedHandle | null
    const permission = await handle?.queryPermission?.({ mode: 'read' }).catch(() => 'denied' as const)
    if (handle == null || permission === 'denied') {
      this.#change(id, { state: 'needs-files' })
      return
    }
    if (permission === 'prompt') {
      this.#change(id, { state: 'needs-permission' })
      return
    }
    const picked = await pickedByHandle(handle).catch(() => null)
    if (picked == null || !isSame(marks, picked)) {
      this.#change(id, { state: 'needs-files', error: picked == null ? 'The file is not there any more.' : 'The file has changed since.' })
      return
    }
    entry.blob = picked.kind === 'file' ? fileOf(picked) : await this.#tarOf(picked)
    if (isPaused) this.#change(id, { state: 'paused' })
    else this.resume(id)
  }

  /** A request whose body can't be read looks like one that nobody answers. */
  async #refuseUnreadable ({ blob }: Entry): Promise<void> {
    const byte = await blob?.slice(0, 1).arrayBuffer().catch(() => null)
    const last = await blob?.slice(-1).arrayBuffer().catch(() => null)
    if (byte == null || last == null) throw new UnreadableError()
  }

  async #keep (id: string, changes: Partial<UploadRecord>): Promise<void> {
    const entry = this.#entries.get(id)
    if (entry == null) return
    entry.record = { ...entry.record, ...changes }
    await this.#deps.records.put([entry.record])
  }

  #itemOf (id: string): UploadItem | undefined { return this.items.get().find(item => item.id === id) }

  #change (id: string, changes: Partial<UploadItem>): void {
    this.items.set(items => items.map(item => item.id === id ? { ...item, ...changes } : item))
  }
}

/** What Chromium's handles have beside the standard's. */
type PermittedHandle = FileSystemHandle & Partial<Record<'queryPermission' | 'requestPermission', (options: { mode: 'read' }) =>
  Promise<PermissionState>>>

class UnreadableError extends Error {
  override readonly message = 'The file can not be read any more.'
}

const lockOf = (id: string): string => `helia-cluster upload ${id}`

const fileOf = ({ files }: Picked): Blob => files[0]?.file ?? new Blob([])

const itemOf = ({ id, kind, name, marks, sizeBytes, pin }: UploadRecord, state: UploadState): UploadItem => ({
  id, kind, name, fileCount: marks.length, sizeBytes, sentBytes: 0, bytesPerSecond: null, state, error: null, nextTryAt: null, cid: null,
  pin
})
