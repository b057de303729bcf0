import type { Clock } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker } from '../../base/worker.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { Datastore } from '../../datastore/datastore.ts'
import { withPrefix } from '../../datastore/datastore.ts'
import type { CID, PeerId } from '../../model/cid.ts'
import { parseCid } from '../../model/cid.ts'
import type { PinInfo } from '../../model/pin-info.ts'
import { peerAnswerMs, within } from '../deadline.ts'
import { isAbout, withAllocations } from './pin-version.ts'
import type { Members } from '../peers/members.ts'

/** Rows, as they were called at first: `lent/1/<peer ID>/<CID>` → JSON {added, at}; the 1 is the format's version. */
const prefix = 'lent/1/'
const lookMs = 30_000
/** A peer that is away for longer has lost its pins for good. */
const keepMs = 24 * 3_600_000

/** A pin of a peer that went away: `added` have it until that is back. `at`: Unix milliseconds. */
export interface HealedPin { cid: CID, peer: PeerId, added: readonly PeerId[], at: number }

export interface HealedPinsDeps {
  consensus: Pick<Consensus, 'state' | 'replaceIf' | 'whenWritten'>
  members: Pick<Members, 'has'>
  ask: (peer: PeerId, cid: CID, signal: AbortSignal | undefined) => Promise<PinInfo>
  /** Without it nothing is remembered: pins keep the holders that they got. */
  datastore?: Pick<Datastore, 'write' | 'entries'> | undefined
  clock: Clock
  log: Logger
}

/**
 * Pins that got a holder more because one was gone. When that is back and says that it still has them, who was added loses them again;
 * after a day away the peer loses them. Remembered on the disk of the peer that gave them away; a change by anybody else ends that.
 */
export class HealedPins {
  readonly #deps: HealedPinsDeps

  constructor (deps: HealedPinsDeps) { this.#deps = deps }

  /** Resolves when the disk has it. */
  async add ({ cid, peer, added, at }: HealedPin): Promise<void> {
    await this.#deps.datastore?.write(
      [{ key: `${prefix}${peer}/${cid.toString()}`, value: Buffer.from(JSON.stringify({ added, at })) }], { sync: true }
    )
  }

  worker (): Worker {
    return {
      name: 'healed pins',
      runAtStart: false,
      intervalMs: () => lookMs,
      work: async signal => {
        for await (const rows of this.#deps.datastore?.entries(withPrefix(prefix), { signal }) ?? []) {
          for (const row of rows) await this.#look(row, signal)
        }
        return 'idle'
      }
    }
  }

  async #look ([key, value]: [string, Uint8Array], signal: AbortSignal): Promise<void> {
    const { members, clock, log } = this.#deps
    try {
      const healed = healedPinOf(key, value)
      const isOver = members.has(healed.peer)
        ? await this.#giveBack(healed, signal)
        : clock.now() > healed.at + keepMs && await this.#keep(healed)
      if (isOver) await this.#forget(key)
    } catch (err) {
      signal.throwIfAborted()
      log.debug('a pin could not be moved back yet', { row: key.slice(0, 200), err: messageOf(err) })
    }
  }

  /** True when there is nothing more to do. */
  async #giveBack ({ cid, peer, added }: HealedPin, signal: AbortSignal): Promise<boolean> {
    const { clock, ask } = this.#deps
    if (!this.#isHealed(cid, peer, added)) return true
    const info = await within({ clock, ms: peerAnswerMs, signal }, async late => ask(peer, cid, late))
    const pin = this.#deps.consensus.state.get(cid)
    return info.status === 'pinned' && pin != null && isAbout(info, pin) && await this.#without(cid, { peer, added }, new Set(added))
  }

  async #keep ({ cid, peer, added }: HealedPin): Promise<boolean> {
    return !this.#isHealed(cid, peer, added) || await this.#without(cid, { peer, added }, new Set([peer]))
  }

  async #without (cid: CID, { peer, added }: Pick<HealedPin, 'peer' | 'added'>, lost: ReadonlySet<PeerId>): Promise<boolean> {
    const { consensus, clock, log } = this.#deps
    await consensus.whenWritten(cid)
    const pin = consensus.state.get(cid)
    if (pin == null || !this.#isHealed(cid, peer, added)) return true
    const allocations = pin.allocations.filter(other => !lost.has(other))
    if (!await consensus.replaceIf(pin, withAllocations(pin, allocations, clock.now()))) return false
    log.info('a pin of a peer that was down is allocated as before', { cid: cid.toString(), peer, allocations })
    return true
  }

  /** Nobody has changed its holders since, and there are more of them than there may be. */
  #isHealed (cid: CID, peer: PeerId, added: readonly PeerId[]): boolean {
    const pin = this.#deps.consensus.state.get(cid)
    return pin != null && pin.allocations.length > pin.replicationFactorMax && pin.allocations.includes(peer)
      && added.every(other => pin.allocations.includes(other))
  }

  async #forget (key: string): Promise<void> { await this.#deps.datastore?.write([{ key, value: undefined }], { frees: true }) }
}

function healedPinOf (key: string, value: Uint8Array): HealedPin {
  const [peer = '', cid = ''] = key.slice(prefix.length).split('/')
  const { added, at } = JSON.parse(Buffer.from(value).toString()) as { added: PeerId[], at: number }
  return { cid: parseCid(cid), peer, added: added.map(String), at: Number(at) }
}
