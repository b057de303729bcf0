import { deadline, orAborted } from '../../../base/clock.ts'
import type { Clock } from '../../../base/clock.ts'
import { ClusterError, isClusterError, messageOf } from '../../../base/errors.ts'
import type { Logger } from '../../../base/log.ts'
import { Semaphore } from '../../../base/semaphore.ts'
import type { PeerId } from '../../../model/cid.ts'
import { ipnsRoutingKey } from '../../../model/ipns-name.ts'
import { compareRecords } from '../../../wire/ipns-record.ts'
import type { IpnsRecord } from '../../../wire/ipns-record.ts'
import type { NameOptions, NameRecord, NameTarget } from '../../names.ts'
import { NameCache } from './name-cache.ts'
import type { NameCacheInit } from './name-cache.ts'
import type { RecordTable } from './record-table.ts'
import type { NameRouting } from './routing.ts'
import { verifiedRecord } from './verified-record.ts'

export interface IpnsInit {
  cache: NameCacheInit
  /** How long the routing is asked for one name. Milliseconds. */
  resolveTimeoutMs: number
}

export interface IpnsDeps {
  records: Pick<RecordTable, 'get'>
  routing: NameRouting
  clock: Clock
  log: Logger
}

/** As many as Kubo waits for. */
const enoughRecords = 16
const searchesAtOnce = 32
/** How long a name without a record counts as such. */
const absentMs = 10_000
/** What one search may bring that isn't valid before it is given up. */
const maxInvalid = 64

/** The newest valid record of a key: of what is kept here and what the routing finds. */
export class Ipns {
  readonly #init: IpnsInit
  readonly #deps: IpnsDeps
  readonly #cache: NameCache<IpnsRecord>
  readonly #absent: NameCache<ClusterError>
  readonly #slots = new Semaphore(searchesAtOnce)
  readonly #searches = new Map<PeerId, Promise<IpnsRecord | undefined>>()

  constructor (init: IpnsInit, deps: IpnsDeps) {
    this.#init = init
    this.#deps = deps
    this.#cache = new NameCache(init.cache, deps)
    this.#absent = new NameCache(init.cache, deps)
  }

  async resolve (key: PeerId, options: NameOptions = {}): Promise<NameTarget> {
    const { record, ageMs } = await this.#newest(key, options)
    return { value: record.value, ttlSeconds: this.#ttlSeconds(record, ageMs) }
  }

  async recordOf (key: PeerId, options: NameOptions = {}): Promise<NameRecord> {
    const { record, ageMs } = await this.#newest(key, options)
    return { bytes: record.bytes, ttlSeconds: this.#ttlSeconds(record, ageMs), validUntil: msOf(record.validUntilNs) }
  }

  /** The record that is kept here, if it is still valid. */
  async local (key: PeerId): Promise<IpnsRecord | undefined> {
    const bytes = this.#deps.records.get(key)
    return bytes == null ? undefined : verifiedRecord(bytes, { key, now: this.#deps.clock.now() }).catch(() => undefined)
  }

  /**
   * A record that was found or came by another way. An older one changes nothing: a search may have begun before the name was published
   * anew.
   */
  remember (key: PeerId, record: IpnsRecord): void {
    const known = this.#cache.get(key)?.value
    if (known != null && compareRecords(known, record) > 0) return
    this.#cache.set(key, record, this.#keepMs(record))
    this.#absent.delete(key)
  }

  async #newest (key: PeerId, options: NameOptions): Promise<{ record: IpnsRecord, ageMs: number }> {
    options.signal?.throwIfAborted()
    const cached = options.fresh === true ? undefined : this.#cache.get(key)
    // without routing the record here is the only one there is: it doesn't get older by being kept
    if (cached != null) return { record: cached.value, ageMs: this.#deps.routing.isOn ? cached.ageMs : 0 }
    const record = await (options.local == null ? this.#lookUp(key, options) : this.local(key))
    if (record == null) throw notFound(key)
    // the routing may have a newer one
    if (options.local == null) this.remember(key, record)
    return { record, ageMs: 0 }
  }

  /** Askers of the same name wait for one search, unless they want something special of it. */
  async #lookUp (key: PeerId, options: NameOptions): Promise<IpnsRecord | undefined> {
    if (!this.#deps.routing.isOn) return this.local(key)
    if (options.fresh === true || options.recordCount != null || options.timeoutMs != null) return this.#search(key, options)
    const absent = this.#absent.get(key)
    if (absent != null) throw absent.value
    const running = this.#searches.get(key) ?? this.#searchForAll(key)
    this.#searches.set(key, running)
    return options.signal == null ? running : orAborted(running, options.signal)
  }

  /** What isn't found isn't searched for again at once. */
  async #searchForAll (key: PeerId): Promise<IpnsRecord> {
    try {
      const record = await this.#search(key, {})
      if (record == null) throw notFound(key)
      return record
    } catch (err) {
      if (isClusterError(err, 'NOT_FOUND') || isClusterError(err, 'TIMEOUT')) this.#absent.set(key, err, absentMs)
      throw err
    } finally {
      this.#searches.delete(key)
    }
  }

  async #search (
    key: PeerId, { signal, recordCount = enoughRecords, timeoutMs = this.#init.resolveTimeoutMs }: NameOptions
  ): Promise<IpnsRecord | undefined> {
    const limit = deadline(
      this.#deps.clock, timeoutMs === 0 ? 2 ** 31 - 1 : timeoutMs,
      () => new ClusterError('TIMEOUT', { key, timeoutMs }, { message: `could not resolve name: nobody sent a record of ${key} in time` }),
      signal
    )
    try {
      return await this.#slots.run(async () => this.#collect(key, { recordCount, signal: limit.signal }), limit.signal)
    } finally {
      limit.clear()
    }
  }

  /** The best of what is kept here and what comes, until there is enough of it or the time is up. */
  async #collect (key: PeerId, { recordCount, signal }: { recordCount: number, signal: AbortSignal }): Promise<IpnsRecord | undefined> {
    let best = await this.local(key)
    let [valid, invalid] = [best == null ? 0 : 1, 0]
    try {
      for await (const bytes of this.#deps.routing.values(ipnsRoutingKey(key), { signal })) {
        const record = await verifiedRecord(bytes, { key, now: this.#deps.clock.now() }).catch(err => {
          this.#deps.log.debug('a record from the routing is not valid', { key, err: messageOf(err) })
          return undefined
        })
        if (record == null && ++invalid === maxInvalid) break
        if (record == null) continue
        if (best == null || compareRecords(record, best) > 0) best = record
        if (++valid >= Math.max(1, recordCount)) break
      }
    } catch (err) {
      if (best == null) signal.throwIfAborted()
      if (signal.aborted && !isClusterError(signal.reason, 'TIMEOUT')) throw signal.reason
      this.#deps.log.debug('a search for a name ended early', { key, err: messageOf(err) })
    }
    return best
  }

  #keepMs (record: IpnsRecord): number | undefined {
    const untilOver = msOf(record.validUntilNs) - this.#deps.clock.now()
    return record.ttlNs == null ? undefined : Math.min(msOf(record.ttlNs), untilOver)
  }

  #ttlSeconds (record: IpnsRecord, ageMs: number): number | undefined {
    const untilOver = msOf(record.validUntilNs) - this.#deps.clock.now()
    return record.ttlNs == null ? undefined : Math.max(0, Math.floor(Math.min(msOf(record.ttlNs) - ageMs, untilOver) / 1000))
  }
}

const notFound = (key: PeerId): ClusterError => new ClusterError('NOT_FOUND', { key }, { message: 'could not resolve name' })
const msOf = (ns: bigint): number => Number(ns / 1_000_000n)
