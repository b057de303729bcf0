import type { Datastore } from '../../datastore/datastore.ts'
import { withPrefix } from '../../datastore/datastore.ts'
import { parseCid } from '../../model/cid.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import { formatTime } from '../../model/time.ts'
import type { AuditResult } from '../cluster-api.ts'

const prefix = '/audited/'
const roundsRow = '/audits'
const rowOf = (peer: PeerId, cid: CID): string => `${prefix}${peer}/${cid.toString()}`
const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
const valueOf = <T>(bytes: Uint8Array): T => JSON.parse(new TextDecoder().decode(bytes)) as T

type Stored = Omit<AuditResult, 'peer' | 'cid'>
/** Rounds of the audit by itself: when the last one ended (or this peer first ran), and when the one under way began. */
interface Rounds { lastRoundAt: number, roundBegan?: number | undefined }

/** Results on the disk, one row for each pin and peer; nothing without a disk. */
export class AuditRows {
  readonly #datastore: Datastore | undefined

  constructor (datastore: Datastore | undefined) { this.#datastore = datastore }

  get (peer: PeerId, cid: CID): Stored | undefined {
    const bytes = this.#datastore?.get(rowOf(peer, cid))
    return bytes == null ? undefined : valueOf(bytes)
  }

  async put ({ peer, cid, ...stored }: AuditResult): Promise<void> {
    await this.#datastore?.write([{ key: rowOf(peer, cid), value: bytesOf(stored) }])
  }

  /** Removes one result, if there is one. */
  async remove (peer: PeerId, cid: CID): Promise<void> {
    const key = rowOf(peer, cid)
    if (this.#datastore?.get(key) != null) await this.#datastore.write([{ key, value: undefined }])
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
      await this.#datastore.write(
        keys.filter(key => isGone(parseCid(key.slice(key.lastIndexOf('/') + 1)))).map(key => ({ key, value: undefined }))
      )
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

/** What the latest audit of this peer says of a pin, in one sentence for its status; '' when all was there, or nobody has looked. */
export function auditNote (cid: CID, { self, datastore }: { self: PeerId, datastore: Datastore }): string {
  const result = new AuditRows(datastore).get(self, cid)
  if (result == null || result.state === 'good' || result.state === 'repaired') return ''
  const at = formatTime(Math.floor(result.at / 1000) * 1000)
  return result.state === 'failed'
    ? `the audit of ${at} could not read it: ${result.error}`
    : `the audit of ${at} found ${result.badCount - result.repaired} of its blocks missing or damaged`
}
