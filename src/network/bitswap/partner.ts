import type { CID } from 'multiformats/cid'
import { deadline } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import { yieldToEventLoop } from '../../base/event-loop.ts'
import type { Logger } from '../../base/log.ts'
import { CID as Cid } from '../../model/cid.ts'
import type { PeerId } from '../../model/cid.ts'
import { encodeBitswapFrame } from '../../wire/bitswap.ts'
import type { BitswapWant, OutgoingBitswap } from '../../wire/bitswap.ts'
import { isCrdtCid } from '../../wire/crdt-block.ts'
import type { PeerStream } from '../network.ts'
import { digestKey } from './want.ts'

export interface PartnerInit {
  /** How long a message may wait until the peer takes it, and a stream until it is open. Milliseconds. */
  stallMs: number
}

export interface PartnerDeps {
  open: (options: { signal: AbortSignal }) => Promise<PeerStream>
  blocks: (cid: CID) => Uint8Array | undefined
  clock: Clock
  log: Logger
  /** These could not be asked for. */
  failed: (cids: CID[]) => void
  /** The stream was reset: what was said on it last may be lost. */
  lost: () => void
}

/** Blocks up to this size are sent to who only asks whether they are here, as Go does. */
const smallBlockBytes = 1024
/** Blocks of one message; a larger one goes alone. */
const messageBytes = 512 * 1024
/** Wants of one peer that are remembered; Go keeps as many. More are answered when the block is here, and forgotten when not. */
const rememberedWants = 1024
/** From so many waiting answers on, no more of the peer's wants are read. */
const fullAnswers = 4096
/** Answers that wait at most: what one message asks beyond is forgotten. */
const waitingAnswers = 16_384
/** Wants that one message answers: more would keep others from their turn. */
const answersPerMessage = 1024
/** After answers that the peer didn't take, its wants are left unread for so long. */
const restMs = 1000

/** CIDv1, dag-pb, sha2-256, 32 bytes: what stands before every block that we send. */
const prefix = Uint8Array.of(1, 0x70, 0x12, 32)

interface Remembered { cid: CID, isHave: boolean, sendDontHave: boolean }

/** Another peer in the exchange: what it wants of us, and what we have to tell it. One stream, kept open; Go does the same. */
export class Partner {
  readonly #peer: PeerId
  readonly #init: PartnerInit
  readonly #deps: PartnerDeps
  readonly #theirs = new Map<string, Remembered>()
  #wants = new Map<string, { cid: CID, type: 'block' | 'have', cancel: boolean }>()
  #underway = new Map<string, { cid: CID, cancel: boolean }>()
  readonly #answers = new Map<string, Remembered>()
  #stream: Promise<PeerStream> | undefined
  #isSending = false
  #isClosed = false
  #cancelRest: (() => void) | undefined
  #roomAwaited: Array<() => void> = []

  constructor (peer: PeerId, init: PartnerInit, deps: PartnerDeps) {
    this.#peer = peer
    this.#init = init
    this.#deps = deps
  }

  want (cid: CID, type: 'block' | 'have'): void { this.#ask(cid, type, false) }
  cancel (cid: CID): void { this.#ask(cid, 'block', true) }

  /** Resolves when more of the peer's wants may be read: what isn't read waits at the peer, and costs nothing here. */
  async room (): Promise<void> {
    while (!this.#isClosed && (this.#answers.size >= fullAnswers || this.#cancelRest != null)) {
      this.#deps.log.warn(
        'a peer wants more blocks than it takes answers; its wants wait', { peer: this.#peer, takesNone: this.#cancelRest != null }
      )
      await new Promise<void>(resolve => this.#roomAwaited.push(resolve))
    }
  }

  /** Takes the peer's wants. `isAll`: they replace what it wanted before. */
  wanted (entries: readonly BitswapWant[], isAll: boolean): void {
    if (isAll) this.#theirs.clear()
    for (const { cid: bytes, cancel, wantType, sendDontHave = false } of entries) {
      // forgotten before it costs anything
      if (cancel !== true && this.#answers.size >= waitingAnswers) continue
      const cid = crdtCidOf(bytes)
      if (cid == null) continue
      const key = digestKey(cid)
      this.#theirs.delete(key)
      if (cancel === true) this.#answers.delete(key)
      else this.#answers.set(key, { cid, isHave: wantType === 'WantHave', sendDontHave })
    }
    this.#send()
  }

  /** A block is here now. */
  offer (key: string): void {
    const want = this.#theirs.get(key)
    if (want == null) return
    this.#theirs.delete(key)
    this.#answers.set(key, want)
    this.#send()
  }

  close (): void {
    this.#isClosed = true
    this.#stream?.then(async stream => stream.closeWrite()).catch(() => {})
    this.#theirs.clear()
    this.#answers.clear()
    this.#endRest()
  }

  #ask (cid: CID, type: 'block' | 'have', cancel: boolean): void {
    this.#wants.set(digestKey(cid), { cid, type, cancel })
    this.#send()
  }

  #send (): void {
    if (this.#isSending || this.#isClosed || (this.#wants.size === 0 && this.#answers.size === 0)) return
    this.#isSending = true
    // what is said in one go travels in one message
    queueMicrotask(() => {
      this.#sendAll().catch(err => this.#failed(err)).finally(() => {
        this.#isSending = false
        this.#send()
      })
    })
  }

  async #sendAll (): Promise<void> {
    const stream = await this.#openStream()
    while (!this.#isClosed && (this.#wants.size > 0 || this.#answers.size > 0)) {
      const message = this.#nextMessage()
      if (message != null) await this.#write(stream, encodeBitswapFrame(message))
      this.#underway.clear()
      this.#tellRoom()
      // a write that finds room resolves at once: without this nothing else would run
      if (this.#answers.size > 0) await yieldToEventLoop()
    }
  }

  async #write (stream: PeerStream, bytes: Uint8Array): Promise<void> {
    const late = (): void =>
      stream.abort(new ClusterError('TIMEOUT', { peer: this.#peer }, { message: 'a peer does not read its bitswap messages' }))
    const cancel = this.#deps.clock.after(this.#init.stallMs, late)
    try { await stream.write(bytes) } finally { cancel() }
  }

  #tellRoom (): void {
    if (this.#answers.size < fullAnswers && this.#cancelRest == null) for (const tell of this.#roomAwaited.splice(0)) tell()
  }

  #rest (): void {
    if (this.#isClosed || this.#cancelRest != null) return
    this.#cancelRest = this.#deps.clock.after(restMs, () => this.#endRest())
  }

  #endRest (): void {
    this.#cancelRest?.()
    this.#cancelRest = undefined
    this.#tellRoom()
  }

  async #openStream (): Promise<PeerStream> {
    const known = await this.#stream
    if (known != null && !known.wasReset.aborted) return known
    // what it was told last is lost
    if (known != null) this.#rest()
    this.#stream = this.#open()
    return this.#stream
  }

  async #open (): Promise<PeerStream> {
    const { signal, clear } = deadline(this.#deps.clock, this.#init.stallMs, () => new ClusterError('TIMEOUT', { peer: this.#peer }))
    try {
      const stream = await this.#deps.open({ signal })
      stream.wasReset.addEventListener('abort', () => { if (!this.#isClosed) this.#deps.lost() }, { once: true })
      return stream
    } finally {
      clear()
    }
  }

  /** Undefined when there was nothing to say after all. */
  #nextMessage (): OutgoingBitswap | undefined {
    const wants = [...this.#wants.values()].map(({ cid, type, cancel }) => ({ cid: cid.bytes, type, cancel }))
    this.#underway = this.#wants
    this.#wants = new Map()
    const blocks: Array<{ prefix: Uint8Array, data: Uint8Array }> = []
    const presences: Array<{ cid: Uint8Array, has: boolean }> = []
    let sizeBytes = 0
    let answered = 0
    for (const [key, answer] of this.#answers) {
      const { cid, isHave, sendDontHave } = answer
      const data = this.#deps.blocks(cid)
      if (data == null) {
        if (sendDontHave) presences.push({ cid: cid.bytes, has: false })
        this.#remember(key, answer)
      } else if (isHave && data.length > smallBlockBytes) presences.push({ cid: cid.bytes, has: true })
      else if (sizeBytes > 0 && sizeBytes + data.length > messageBytes) break
      else {
        blocks.push({ prefix, data })
        sizeBytes += data.length
      }
      this.#answers.delete(key)
      if (++answered >= answersPerMessage) break
    }
    return wants.length + blocks.length + presences.length === 0 ? undefined : { wants, blocks, presences }
  }

  #remember (key: string, want: Remembered): void {
    if (this.#theirs.size < rememberedWants) this.#theirs.set(key, want)
  }

  #failed (err: unknown): void {
    if (!this.#isClosed) this.#deps.log.debug('a peer does not read its bitswap messages', { peer: this.#peer, err })
    this.#stream = undefined
    this.#rest()
    const wants = [...this.#underway.values(), ...this.#wants.values()].filter(({ cancel }) => !cancel).map(({ cid }) => cid)
    this.#underway.clear()
    this.#wants.clear()
    this.#answers.clear()
    this.#deps.failed(wants)
  }
}

/** A copy of the CID, so that the message doesn't stay; undefined for what is no CRDT block's. */
function crdtCidOf (bytes: Uint8Array): CID | undefined {
  if (bytes.length !== 36) return undefined
  try {
    const cid = Cid.decode(bytes.slice())
    return isCrdtCid(cid) ? cid : undefined
  } catch {
    return undefined
  }
}
