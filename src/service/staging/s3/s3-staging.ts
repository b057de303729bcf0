import type { Logger } from '../../../base/log.ts'
import { ClusterError, isClusterError, isFault, messageOf } from '../../../base/errors.ts'
import { Appending, checkedKey, noSuchObject } from '../keys.ts'
import { inGroups, lengthOf, SourceFailure } from '../pieces.ts'
import type { AppendOptions, StagedObject, StagedRange, Staging, StagingOptions, StagingPlace } from '../staging.ts'
import type { Bucket, Listed } from './s3-client.ts'
import { s3Bucket, statusOf } from './s3-client.ts'

export interface S3StagingInit {
  /** `http://127.0.0.1:9000` */
  endpoint: string
  /** It has to be there. Only what begins with `staging/` is touched. */
  bucket: string
  region: string
  accessKey: string
  secretKey: string
  forcePathStyle: boolean
  /** Size of the parts that large objects are sent in, and of those that `append` makes: 5 MiB at least, as S3 wants it. Default 8 MiB. */
  partBytes?: number
}

const usualPartBytes = 8 * 2 ** 20
const offsetDigits = 16

/**
 * Staging in a bucket: `staging/objects/KEY` is what `put` made, `staging/open/KEY/OFFSET` are the parts that `append` made, one object for
 * each, named by where they begin. An object whose parts don't join ends at the gap.
 */
export function s3Staging (init: S3StagingInit, { log }: { log: Logger }): Staging { return new S3Staging(init, log) }

class S3Staging implements Staging {
  readonly name = 'staging'
  readonly place: StagingPlace
  readonly #init: S3StagingInit & { partBytes: number }
  readonly #log: Logger
  #isAway = false
  readonly #appending = new Appending()
  #opened: Bucket | undefined

  constructor (init: S3StagingInit, log: Logger) {
    this.#init = { ...init, partBytes: init.partBytes ?? usualPartBytes }
    this.#log = log
    const server = new URL(init.endpoint).host
    this.place = { id: `bucket ${init.bucket} of ${server}`, name: `the bucket ${init.bucket} of ${server}` }
  }

  async start (signal: AbortSignal): Promise<void> {
    this.#opened = await s3Bucket(this.#init)
    try {
      await this.#told(async bucket => bucket.size('staging', signal))
    } catch (err) {
      // said already; it is tried again with every upload
      if (!isClusterError(err, 'NOT_READY')) this.#log.warn('the staging area can not be used', { bucket: this.#init.bucket, err })
    }
  }

  async stop (): Promise<void> {
    this.#opened?.close()
    this.#opened = undefined
  }

  async put (key: string, source: AsyncIterable<Uint8Array>, { signal }: StagingOptions = {}): Promise<{ sizeBytes: number }> {
    const name = wholeName(key)
    const counted = new Counted(source, signal)
    return await this.#told(async bucket => {
      try {
        await bucket.upload(name, counted, signal)
      } catch (err) {
        if (signal?.aborted === true) throw new SourceFailure(signal.reason)
        throw counted.failure ?? err
      }
      await this.#check(bucket, name, counted.bytes)
      return { sizeBytes: counted.bytes }
    })
  }

  async append (
    key: string, offset: number, source: AsyncIterable<Uint8Array>, { signal, onDurable = async () => {} }: AppendOptions = {}
  ): Promise<number> {
    const prefix = partsPrefix(key)
    const end = this.#appending.begin(key)
    let position = offset
    try {
      return await this.#told(async bucket => {
        await this.#cutAt(bucket, prefix, offset)
        for await (const pieces of inGroups(source, this.#init.partBytes, signal)) {
          const bytes = pieces.length === 1 ? pieces[0] as Uint8Array : Buffer.concat(pieces)
          const name = partName(prefix, position)
          await bucket.put(name, bytes)
          await this.#check(bucket, name, bytes.length)
          position += lengthOf(pieces)
          await onDurable(position)
        }
        if (position === 0) await bucket.put(partName(prefix, 0), new Uint8Array(0))
        return position
      })
    } finally {
      end()
    }
  }

  async * read (key: string, { offset = 0, length = Infinity, signal }: StagedRange = {}): AsyncGenerator<Uint8Array, void, undefined> {
    if (length <= 0) return
    const before = offset + length
    const whole = await this.#told(async bucket => bucket.read(wholeName(key), { from: offset, before }, signal))
    if (whole != null) {
      yield * this.#bytes(whole, signal)
      return
    }
    const parts = await this.#told(async bucket => this.#parts(bucket, partsPrefix(key)))
    if (parts.length === 0) throw noSuchObject(key)
    for (const { key: name, from, sizeBytes } of parts) {
      if (from + sizeBytes <= offset || from >= before) continue
      const range = { from: Math.max(0, offset - from), before: Math.min(sizeBytes, before - from) }
      const part = await this.#told(async bucket => bucket.read(name, range, signal))
      if (part == null) throw noSuchObject(key)
      yield * this.#bytes(part, signal)
    }
  }

  async size (key: string): Promise<number | null> {
    return await this.#told(async bucket => {
      const whole = await bucket.size(wholeName(key))
      if (whole != null) return whole
      const last = (await this.#parts(bucket, partsPrefix(key))).at(-1)
      return last == null ? null : last.from + last.sizeBytes
    })
  }

  async remove (key: string): Promise<void> {
    await this.#told(async bucket => {
      await bucket.remove(wholeName(key))
      await bucket.endUnfinished(wholeName(key))
      for await (const { key: name } of bucket.list(partsPrefix(key))) await bucket.remove(name)
    })
  }

  async * keys ({ signal }: StagingOptions = {}): AsyncGenerator<StagedObject, void, undefined> {
    for await (const { key: name, ...facts } of this.#listed('staging/objects/', signal)) {
      yield { key: name.slice('staging/objects/'.length), ...facts, isOpen: false }
    }
    let open: StagedObject | undefined
    for await (const { key: name, sizeBytes, changedAt } of this.#listed('staging/open/', signal)) {
      const key = name.split('/')[2] ?? ''
      if (open != null && open.key !== key) yield open
      open = open?.key === key
        ? { ...open, sizeBytes: open.sizeBytes + sizeBytes, changedAt: Math.max(open.changedAt, changedAt) }
        : { key, sizeBytes, changedAt, isOpen: true }
    }
    if (open != null) yield open
  }

  async * #listed (prefix: string, signal: AbortSignal | undefined): AsyncGenerator<Listed, void, undefined> {
    try {
      yield * this.#bucket().list(prefix, signal)
    } catch (err) {
      signal?.throwIfAborted()
      throw this.#telling(err)
    }
  }

  async * #bytes (source: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield * source
    } catch (err) {
      signal?.throwIfAborted()
      throw this.#telling(err)
    }
  }

  /** The parts that join, from the beginning. */
  async #parts (bucket: Bucket, prefix: string): Promise<Array<Listed & { from: number }>> {
    const parts = []
    let position = 0
    for await (const part of bucket.list(prefix)) {
      const from = Number(part.key.slice(prefix.length))
      if (from !== position) break
      parts.push({ ...part, from })
      position += part.sizeBytes
    }
    return parts
  }

  /** Removes what an append that wasn't told of has left. */
  async #cutAt (bucket: Bucket, prefix: string, offset: number): Promise<void> {
    let end = 0
    for await (const { key: name, sizeBytes } of bucket.list(prefix)) {
      const from = Number(name.slice(prefix.length))
      if (from >= offset) await bucket.remove(name)
      else end = from + sizeBytes
    }
    if (end !== offset) throw new ClusterError('INVALID_DATA', { end, offset }, { message: 'the staged object is not as long as it was' })
  }

  /** Some servers answer 200 and have stored something else. */
  async #check (bucket: Bucket, name: string, sizeBytes: number): Promise<void> {
    const stored = await bucket.size(name)
    if (stored === sizeBytes) return
    await bucket.remove(name)
    throw new ClusterError('INVALID_DATA', { name, sent: sizeBytes, stored }, { message: 'the S3 server has not stored what it was sent' })
  }

  #bucket (): Bucket {
    if (this.#opened == null) throw new ClusterError('NOT_READY', {}, { message: 'the staging area is not started' })
    return this.#opened
  }

  async #told<T> (work: (bucket: Bucket) => Promise<T>): Promise<T> {
    const bucket = this.#bucket()
    try {
      const result = await work(bucket)
      if (this.#isAway) this.#log.info('the S3 server of the staging area answers again', { endpoint: this.#init.endpoint })
      this.#isAway = false
      return result
    } catch (err) {
      throw this.#telling(err)
    }
  }

  /** Who asked isn't told where the server is: the log says it, once until it answers again. */
  #telling (err: unknown): unknown {
    const told = telling(err)
    if (isClusterError(told, 'NOT_READY') && !this.#isAway) {
      this.#isAway = true
      this.#log.warn('the S3 server of the staging area does not answer as it should', { endpoint: this.#init.endpoint, err: messageOf(err) })
    }
    return told
  }
}

const wholeName = (key: string): string => `staging/objects/${checkedKey(key)}`
const partsPrefix = (key: string): string => `staging/open/${checkedKey(key)}/`
const partName = (prefix: string, offset: number): string => `${prefix}${String(offset).padStart(offsetDigits, '0')}`

/** Counts what goes through, and remembers how the source failed: the SDK wraps it. */
class Counted implements AsyncIterable<Uint8Array> {
  bytes = 0
  failure: SourceFailure | undefined
  readonly #source: AsyncIterable<Uint8Array>
  readonly #signal: AbortSignal | undefined

  constructor (source: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined) {
    this.#source = source
    this.#signal = signal
  }

  async * [Symbol.asyncIterator] (): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const piece of this.#source) {
        this.#signal?.throwIfAborted()
        this.bytes += piece.length
        yield piece
      }
      this.#signal?.throwIfAborted()
    } catch (err) {
      this.failure = new SourceFailure(err)
      throw err
    }
  }
}

/** What the SDK says, in the contract's words. */
function telling (err: unknown): unknown {
  if (err instanceof SourceFailure) return err.cause
  if (isClusterError(err) || isFault(err)) return err
  const status = statusOf(err)
  const { name = '' } = err as Error
  if (status === 507 || name === 'XMinioStorageFull' || name === 'QuotaExceeded' || name === 'EntityTooLarge') {
    return new ClusterError('STORAGE_FULL', {}, { cause: err })
  }
  return new ClusterError(
    'NOT_READY', { ...(status == null ? {} : { status }), name },
    { message: 'the staging area (an S3 server) can not be reached, or does not accept it', cause: err }
  )
}
