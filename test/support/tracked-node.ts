import { CID } from 'multiformats/cid'
import { ClusterError } from '../../src/base/errors.ts'
import type { PinState } from '../../src/consensus/consensus.ts'
import type { IpfsConnector, IpfsOptions, IpfsPinStatus, PinContentOptions, PinnedView, PinProgress } from '../../src/ipfs/ipfs.ts'
import type { Pin } from '../../src/model/pin.ts'
import { defaultPinOptions, pinWithOptions } from '../../src/model/pin.ts'
import { pinText } from '../../src/model/pin-json.ts'

/** The n-th test CID: raw, sha2-256. Different for each n, the same in every run. */
export function cidNumber (n: number): CID {
  const bytes = new Uint8Array(36)
  bytes.set([0x01, 0x55, 0x12, 0x20])
  new DataView(bytes.buffer).setUint32(4, n)
  return CID.decode(bytes)
}

/** A pin for every peer; `some` overrides. */
export function aPin (n: number, some: Partial<Pin> = {}): Pin {
  return {
    ...pinWithOptions(cidNumber(n), defaultPinOptions()), replicationFactorMin: -1, replicationFactorMax: -1, name: `pin ${n}`,
    timestamp: Date.UTC(2030, 0, 1), ...some
  }
}

/** Everything that a stream of batches has. */
export async function gathered<T> (batches: AsyncIterable<T[]>): Promise<T[]> {
  const all: T[] = []
  for await (const batch of batches) all.push(...batch)
  return all
}

/** A pinset in memory, changed by the test. */
export class FakePinset implements PinState {
  readonly #pins = new Map<string, Pin>()
  readonly #unpinned = new Set<string>()
  /** How far the pinset is. */
  progress = { heads: [cidNumber(0)], dirty: false, behind: false }

  put (...pins: Pin[]): void { for (const pin of pins) this.#pins.set(pin.cid.toString(), pin) }
  remove (cid: CID): void { if (this.#pins.delete(cid.toString())) this.#unpinned.add(cid.toString()) }
  /** Takes it away without a trace, as removing the state does. */
  forget (cid: CID): void {
    this.#pins.delete(cid.toString())
    this.#unpinned.delete(cid.toString())
  }

  async wasUnpinned (cid: CID): Promise<boolean> { return this.#unpinned.has(cid.toString()) }
  get (cid: CID): Pin | undefined { return this.#pins.get(cid.toString()) }
  has (cid: CID): boolean { return this.#pins.has(cid.toString()) }
  size (): number { return this.#pins.size }
  async * pins (): AsyncGenerator<Pin[]> {
    const all = [...this.#pins.values()]
    for (let from = 0; from < all.length; from += 500) yield all.slice(from, from + 500)
  }

  jsonLines (): AsyncIterable<Uint8Array> { throw new ClusterError('UNSUPPORTED') }
  async * lines (): AsyncGenerator<string[]> { for await (const batch of this.pins()) yield batch.map(pin => `${pinText(pin)}\n`) }
}

type Behaviour = (signal: AbortSignal) => Promise<void>

/** The pins of an IPFS node whose speed and faults the test decides. Answers at once when nothing else was said. */
export class TrackedNode implements Pick<IpfsConnector, 'pin' | 'isWhole' | 'pinWhole' | 'isUnpinned' | 'unpin' | 'progress' | 'pinStatus'
  | 'pinnedView' | 'pinCount' | 'ownRoots'> {
  readonly roots = new Map<string, 'recursive' | 'direct'>()
  /** "pin <n>" and "unpin <n>" in the order of the calls; with "aborted <call>" when one was cancelled. */
  readonly calls: string[] = []
  isAway = false
  /** The node is somebody else's, too. */
  isShared = false
  views = 0
  openViews = 0
  /** What a call does before it takes effect; by call ("pin 3"). */
  readonly behaviours = new Map<string, Behaviour>()
  /** The same for every call. */
  behaviour: ((call: string, signal: AbortSignal) => Promise<void>) | undefined

  /** Pins whose content is all here: before such a call does what it does, it says so. */
  readonly whole = new Set<number>()

  /** Pins that only lack their roots. */
  readonly rootless = new Set<number>()

  isWhole ({ cid }: Pin): boolean { return this.rootless.has(numberOf(cid)) && !this.roots.has(cid.toString()) }

  /** One call for all: "whole <n> <n>". */
  async pinWhole (pins: readonly Pin[]): Promise<void> {
    await this.#act(`whole ${pins.map(({ cid }) => numberOf(cid)).join(' ')}`)
    for (const pin of pins) this.roots.set(pin.cid.toString(), pin.maxDepth === 0 ? 'direct' : 'recursive')
  }

  /** It says at once of what it has no root. */
  tellsUnpinned = false

  isUnpinned (cid: CID): boolean { return this.tellsUnpinned && !this.roots.has(cid.toString()) }

  /** Bytes of the blocks that come for a pin, by its number. */
  readonly coming = new Map<number, number[]>()

  async pin (pin: Pin, { signal, onWhole, onFetched }: PinContentOptions = {}): Promise<void> {
    if (this.whole.has(numberOf(pin.cid))) onWhole?.()
    await this.#act(`pin ${numberOf(pin.cid)}`, signal)
    for (const bytes of this.coming.get(numberOf(pin.cid)) ?? []) await onFetched?.(bytes, signal ?? new AbortController().signal)
    if (pin.maxDepth === 0 && this.roots.get(pin.cid.toString()) === 'recursive') throw new ClusterError('PIN_REFUSED')
    this.roots.set(pin.cid.toString(), pin.maxDepth === 0 ? 'direct' : 'recursive')
  }

  async unpin (cid: CID, { signal }: IpfsOptions = {}): Promise<void> {
    await this.#act(`unpin ${numberOf(cid)}`, signal)
    this.roots.delete(cid.toString())
  }

  /** Blocks found so far, by number of the pin; what isn't here makes no progress. */
  readonly found = new Map<number, number>()

  progress (cid: CID): PinProgress | undefined {
    const blocks = this.found.get(numberOf(cid))
    return blocks == null
      ? undefined
      : {
        phase: 'fetching', blocks, bytes: 0, fetchedBlocks: 0, fetchedBytes: 0, wantedBlock: null, wantedSince: null, peersAsked: [],
        nextTryAt: null, startedAt: 0
      }
  }

  async pinStatus (pin: Pin): Promise<IpfsPinStatus> {
    this.#throwIfAway()
    return this.roots.get(pin.cid.toString()) ?? 'unpinned'
  }

  async pinnedView (): Promise<PinnedView> {
    this.#throwIfAway()
    const roots = new Map(this.roots)
    this.views++
    this.openViews++
    return { statusOf: cid => roots.get(cid.toString()) ?? 'unpinned', close: async () => { this.openViews-- } }
  }

  pinCount (): number { return this.roots.size }
  async * ownRoots (): AsyncGenerator<CID[]> { if (!this.isShared) yield Array.from(this.roots.keys(), text => CID.parse(text)) }

  /** Makes the call fail from now on. */
  fail (call: string, err: Error = new ClusterError('IPFS_ERROR', {}, { message: `${call} fails` })): void {
    this.behaviours.set(call, async () => { throw err })
  }

  /** Makes the call wait until it is aborted or the returned function is called. */
  hold (call: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.behaviours.set(call, async signal => {
      const aborted = Promise.withResolvers<never>()
      signal.addEventListener('abort', () => aborted.reject(signal.reason), { once: true })
      await Promise.race([promise, aborted.promise])
    })
    return resolve
  }

  async #act (call: string, signal = new AbortController().signal): Promise<void> {
    this.calls.push(call)
    this.#throwIfAway()
    try {
      await (this.behaviours.get(call)?.(signal) ?? this.behaviour?.(call, signal))
      signal.throwIfAborted()
    } catch (err) {
      if (signal.aborted) this.calls.push(`aborted ${call}`)
      throw err
    }
  }

  #throwIfAway (): void {
    if (this.isAway) throw new ClusterError('IPFS_UNAVAILABLE', {}, { message: 'connection refused' })
  }
}

const numberOf = (cid: CID): number => new DataView(cid.multihash.digest.slice().buffer).getUint32(0)
