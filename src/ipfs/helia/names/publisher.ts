import { deadline } from '../../../base/clock.ts'
import type { Clock } from '../../../base/clock.ts'
import { formatDuration } from '../../../base/text/duration.ts'
import { ClusterError, messageOf } from '../../../base/errors.ts'
import type { Logger } from '../../../base/log.ts'
import { KeyedMutex } from '../../../base/mutex.ts'
import type { Worker } from '../../../base/worker.ts'
import type { PeerId } from '../../../model/cid.ts'
import { ipnsRoutingKey } from '../../../model/ipns-name.ts'
import { compareRecords, decodeIpnsRecord, hasV1 } from '../../../wire/ipns-record.ts'
import type { IpnsRecord } from '../../../wire/ipns-record.ts'
import type { IpfsOptions } from '../../ipfs.ts'
import type { NameKey, PublishOptions } from '../../name-publisher.ts'
import type { Ipns } from './ipns.ts'
import type { SigningKeys, SigningKey } from './keys.ts'
import type { RecordTable } from './record-table.ts'
import type { NameRouting } from './routing.ts'
import { isOver, signedRecord, verifiedRecord } from './verified-record.ts'

export interface PublisherInit {
  /** How long a record is valid when nothing is said, and after each round. Milliseconds. */
  recordLifetimeMs: number
  /** Everything is signed and given to the routing again this often. Milliseconds. */
  republishPeriodMs: number
}

export interface PublisherDeps {
  keys: Pick<SigningKeys, 'find' | 'all'>
  records: RecordTable
  ipns: Pick<Ipns, 'remember' | 'local' | 'recordOf'>
  routing: NameRouting
  clock: Clock
  log: Logger
}

const defaultTtlMs = 5 * 60_000
/** What giving one record to the routing may take. */
const putTimeoutMs = 60_000
/** What looking for an earlier record in the routing may take, as in Kubo. */
const earlierTimeoutMs = 30_000
const firstRoundMs = 60_000

const offline = (message: string): ClusterError => new ClusterError('UNSUPPORTED', {}, { message })

/** Signs and keeps records, and gives them to the routing: at once, and again with every round. */
export class Publisher {
  readonly #init: PublisherInit
  readonly #deps: PublisherDeps
  /** One change per key at a time: sequence numbers must rise. */
  readonly #mutex = new KeyedMutex<PeerId>()

  constructor (init: PublisherInit, deps: PublisherDeps) {
    this.#init = init
    this.#deps = deps
  }

  async publish (value: string, options: PublishOptions): Promise<NameKey> {
    const { lifetimeMs = this.#init.recordLifetimeMs, signal } = options
    const { ttlMs = Math.min(defaultTtlMs, lifetimeMs), withV1 = true } = options
    if (ttlMs > lifetimeMs) {
      throw new ClusterError('INVALID_ARGUMENT', {}, {
        message: `ttl (${formatDuration(ttlMs)}) must not be greater than lifetime (${formatDuration(lifetimeMs)})`
      })
    }
    if (!this.#deps.routing.isOn && options.allowOffline !== true) {
      throw offline(
        'can\'t publish while offline: pass `--allow-offline` to override or `--allow-delegated` if Ipns.DelegatedPublishers are set up'
      )
    }
    const key = await this.#deps.keys.find(options.key)
    return this.#mutex.run(key.id, async () => {
      const earlier = await this.#earlier(key.id, signal)
      const sequence = nextSequence(earlier, value, options.sequence)
      await this.#sign(key, { value, sequence, validUntil: this.#deps.clock.now() + lifetimeMs, ttlMs, withV1 })
      await this.#give(key.id, options)
      return { name: key.name, id: key.id }
    })
  }

  async putRecord (
    key: PeerId, bytes: Uint8Array, { signal, allowOffline = false }: IpfsOptions & { allowOffline?: boolean } = {}
  ): Promise<void> {
    const { routing, records, ipns, clock } = this.#deps
    if (!routing.isOn && !allowOffline) throw offline('can\'t put while offline: pass `--allow-offline` to override')
    const record = await verifiedRecord(bytes, { key, now: clock.now() })
    await this.#mutex.run(key, async () => {
      const here = await ipns.local(key)
      if (here == null || compareRecords(record, here) > 0) {
        await records.put(key, Uint8Array.from(bytes))
        ipns.remember(key, { ...record, bytes: Uint8Array.from(bytes) })
      }
      await this.#give(key, { signal, allowOffline })
    })
  }

  /** Kubo's: the first round a minute after the start, then one per period; after a failure sooner. */
  worker (): Worker {
    let rounds = 0
    const { republishPeriodMs } = this.#init
    return {
      name: 'ipns republish',
      runAtStart: false,
      intervalMs: () => rounds === 0 ? Math.min(firstRoundMs, republishPeriodMs) : republishPeriodMs,
      firstBackOffMs: 5 * firstRoundMs,
      work: async signal => {
        rounds++
        await this.#round(signal)
        return 'idle'
      }
    }
  }

  async #round (signal: AbortSignal): Promise<void> {
    const failed: string[] = []
    const keys = await this.#deps.keys.all()
    for (const key of keys) {
      await this.#mutex.run(key.id, async () => this.#again(key, signal)).catch(err => {
        signal.throwIfAborted()
        failed.push(`${key.name}: ${messageOf(err)}`)
      })
    }
    await this.#forgetOver(new Set(keys.map(({ id }) => id)), signal)
    if (failed.length > 0) {
      throw new ClusterError('IPFS_ERROR', { failed: failed.length }, { message: `names were not published again: ${failed.join(', ')}` })
    }
  }

  /** The same value and sequence number, valid for longer. */
  async #again (key: SigningKey, signal: AbortSignal): Promise<void> {
    const bytes = this.#deps.records.get(key.id)
    if (bytes == null) return
    const record = decodeIpnsRecord(bytes)
    const validUntil = this.#deps.clock.now() + this.#init.recordLifetimeMs
    if (record.validUntilNs < BigInt(Math.floor(validUntil)) * 1_000_000n) {
      await this.#sign(key, {
        value: record.value, sequence: record.sequence, validUntil, ttlMs: Number(record.ttlNs ?? 0n) / 1e6, withV1: hasV1(bytes)
      })
    }
    await this.#give(key.id, { signal })
  }

  /** Records of others, and of keys that are gone, end with their validity. */
  async #forgetOver (own: ReadonlySet<PeerId>, signal: AbortSignal): Promise<void> {
    const now = this.#deps.clock.now()
    for await (const rows of this.#deps.records.list({ signal })) {
      const over = rows.filter(({ key, record }) => !own.has(key) && isUseless(record, now)).map(({ key }) => key)
      if (over.length > 0) await this.#deps.records.remove(over)
    }
  }

  async #earlier (key: PeerId, signal: AbortSignal | undefined): Promise<IpnsRecord | undefined> {
    const kept = this.#deps.records.get(key)
    if (kept != null) return decodeIpnsRecord(kept)
    if (!this.#deps.routing.isOn) return undefined
    try {
      return decodeIpnsRecord(
        (await this.#deps.ipns.recordOf(key, { timeoutMs: earlierTimeoutMs, ...signal == null ? {} : { signal } })).bytes
      )
    } catch {
      signal?.throwIfAborted()
      return undefined
    }
  }

  async #sign (key: SigningKey, record: Parameters<typeof signedRecord>[1]): Promise<void> {
    const bytes = await signedRecord(key.privateKey, record)
    await this.#deps.records.put(key.id, bytes)
    this.#deps.ipns.remember(key.id, decodeIpnsRecord(bytes))
  }

  /** That nobody is there to take it is an error unless the name may stay here. */
  async #give (key: PeerId, { signal, allowOffline = false }: { signal?: AbortSignal | undefined, allowOffline?: boolean }): Promise<void> {
    const { routing, records, clock } = this.#deps
    const record = records.get(key)
    if (!routing.isOn || record == null) return
    const limit = deadline(
      clock, putTimeoutMs, () => new ClusterError('TIMEOUT', { key }, { message: 'the routing did not accept the record in time' }), signal
    )
    try {
      const takers = await routing.put(ipnsRoutingKey(key), record, { signal: limit.signal })
      if (takers === 0 && !allowOffline) throw new ClusterError('IPFS_ERROR', { key }, { message: 'failed to find any peer in table' })
    } finally {
      limit.clear()
    }
  }
}

function isUseless (record: Uint8Array, now: number): boolean {
  try {
    return isOver(decodeIpnsRecord(record), now)
  } catch {
    return true
  }
}

/** Rises only when the value changes, as in Kubo. Throws INVALID_ARGUMENT for an asked one that isn't larger. */
function nextSequence (earlier: IpnsRecord | undefined, value: string, asked: bigint | undefined): bigint {
  if (asked != null && asked <= (earlier?.sequence ?? 0n)) {
    throw new ClusterError(
      'INVALID_ARGUMENT', { sequence: String(asked) }, { message: 'sequence number must be greater than the current record sequence' }
    )
  }
  return asked ?? (earlier == null ? 0n : earlier.value === value ? earlier.sequence : earlier.sequence + 1n)
}
