import type { Datastore } from '../../datastore/datastore.ts'
import { withPrefix } from '../../datastore/datastore.ts'
import { parseCid } from '../../model/cid.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import { formatTime } from '../../model/time.ts'
import type { AuditResult } from '../cluster-api.ts'

const prefix = '/audited/'
const damagedPrefix = '/damaged/'
const roundsRow = '/audits'
const rowOf = (peer: PeerId, cid: CID): string => `${prefix}${peer}/${cid.toString()}`
/** Beside the result of a pin that is damaged; empty. */
const damagedRowOf = (peer: PeerId, cid: string): string => `${damagedPrefix}${peer}/${cid}`
const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
const valueOf = <T>(bytes: Uint8Array): T => JSON.parse(new TextDecoder().decode(bytes)) as T

type Stored = Omit<AuditResult, 'peer' | 'cid'>
/** Rounds of the audit by itself: when the last one ended (or this peer first ran), and when the one under way began. */
interface Rounds { lastRoundAt: number, roundBegan?: number | undefined }

/** What is told of a pin: something of it isn't there, or couldn't be read. */
const isDamaged = ({ state }: Pick<AuditResult, 'state'>): boolean => state === 'bad' || state === 'failed'
/** CIDs of damaged pins in memory; of more, the disk is asked. */
const mostKnown = 10_000

/**
 * Results on the disk, one row for each pin and peer; nothing without a disk. Which pins of this peer are damaged is known without a look
 * at each: lists of statuses ask for every pin.
 */
export class AuditRows {
  readonly #self: PeerId
  readonly #datastore: Datastore | undefined
  readonly #damaged = new Set<string>()
  #damagedCount = 0

  constructor ({ self }: { self: PeerId }, { datastore }: { datastore?: Datastore | undefined }) {
    this.#self = self
    this.#datastore = datastore
  }

  /** Learns which pins of this peer are damaged; until then none is. */
  async load (signal: AbortSignal): Promise<void> {
    if (this.#datastore == null) return
    const ownPrefix = damagedRowOf(this.#self, '')
    for await (const keys of this.#datastore.keys(withPrefix(ownPrefix), { signal })) {
      for (const key of keys) this.#know(key.slice(ownPrefix.length))
    }
  }

  /** Pins of this peer of which its latest audit found something missing, damaged or unreadable. */
  get damagedCount (): number { return this.#damagedCount }

  /** What the latest audit of this peer says of a pin, in one sentence for its status; '' when all was there, or nobody has looked. */
  noteOf (cid: CID): string {
    if (this.#damagedCount === 0) return ''
    const isKnown = this.#damagedCount > this.#damaged.size || this.#damaged.has(cid.toString())
    const result = isKnown ? this.get(this.#self, cid) : undefined
    if (result == null || !isDamaged(result)) return ''
    const at = formatTime(Math.floor(result.at / 1000) * 1000)
    return result.state === 'failed'
      ? `the audit of ${at} could not read it: ${result.error}`
      : `the audit of ${at} found ${result.badCount - result.repaired} of its blocks missing or damaged`
  }

  get (peer: PeerId, cid: CID): Stored | undefined {
    const bytes = this.#datastore?.get(rowOf(peer, cid))
    return bytes == null ? undefined : valueOf(bytes)
  }

  async put ({ peer, cid, ...stored }: AuditResult): Promise<void> {
    await this.#write(peer, cid, stored)
  }

  /** Removes one result, if there is one. */
  async remove (peer: PeerId, cid: CID): Promise<void> {
    if (this.#datastore?.has(rowOf(peer, cid)) === true) await this.#write(peer, cid, undefined)
  }

  async #write (peer: PeerId, cid: CID, stored: Stored | undefined): Promise<void> {
    const text = cid.toString()
    const damagedRow = damagedRowOf(peer, text)
    const is = stored != null && isDamaged(stored)
    const was = this.#datastore?.has(damagedRow) === true
    const mark = is === was ? [] : [{ key: damagedRow, value: is ? new Uint8Array(0) : undefined }]
    await this.#datastore?.write([{ key: rowOf(peer, cid), value: stored == null ? undefined : bytesOf(stored) }, ...mark])
    if (peer !== this.#self || is === was) return
    if (is) this.#know(text)
    else this.#forget(text)
  }

  #know (cid: string): void {
    if (this.#damaged.has(cid)) return
    this.#damagedCount++
    if (this.#damaged.size < mostKnown) this.#damaged.add(cid)
  }

  #forget (cid: string): void {
    if (this.#damaged.delete(cid) || this.#damagedCount > this.#damaged.size) this.#damagedCount--
  }

  async * list ({ isBad = false, signal }: { isBad?: boolean, signal?: AbortSignal }): AsyncGenerator<AuditResult[]> {
    if (this.#datastore == null) return
    for await (const rows of this.#datastore.entries(withPrefix(prefix), signal == null ? {} : { signal })) {
      const results = rows.flatMap(([key, bytes]): AuditResult[] => {
        const [peer = '', cid = ''] = key.slice(prefix.length).split('/')
        const stored = valueOf<Stored>(bytes)
        return isBad && stored.state === 'good' ? [] : [{ peer, cid: parseCid(cid), ...stored }]
      })
      if (results.length > 0) yield results
    }
  }

  /** Removes results of pins that are gone. */
  async forget (isGone: (cid: CID) => boolean): Promise<void> {
    if (this.#datastore == null) return
    for await (const keys of this.#datastore.keys(withPrefix(prefix))) {
      for (const key of keys) {
        const [peer = '', text = ''] = key.slice(prefix.length).split('/')
        const cid = parseCid(text)
        if (isGone(cid)) await this.remove(peer, cid)
      }
    }
  }

  rounds (now: number): Rounds {
    const bytes = this.#datastore?.get(roundsRow)
    if (bytes != null) return valueOf(bytes)
    // the first one comes after an interval
    void this.#datastore?.write([{ key: roundsRow, value: bytesOf({ lastRoundAt: now }) }])
    return { lastRoundAt: now }
  }

  /** Resolves with when the round began: now, or before it was interrupted. */
  async beginRound (now: number): Promise<number> {
    const rounds = this.rounds(now)
    const roundBegan = rounds.roundBegan ?? now
    await this.#datastore?.write([{ key: roundsRow, value: bytesOf({ ...rounds, roundBegan }) }])
    return roundBegan
  }

  async endRound (now: number): Promise<void> { await this.#datastore?.write([{ key: roundsRow, value: bytesOf({ lastRoundAt: now }) }]) }
}
