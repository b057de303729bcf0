import type { CID } from 'multiformats/cid'
import type { Logger } from '../../base/log.ts'
import { CID as Cid } from '../../model/cid.ts'
import type { PeerId } from '../../model/cid.ts'
import { encodeBitswapFrame } from '../../wire/bitswap.ts'
import type { BitswapWant, OutgoingBitswap } from '../../wire/bitswap.ts'
import { isCrdtCid } from '../../wire/crdt-block.ts'
import type { PeerStream } from '../network.ts'
import { keyOf } from './want.ts'

export interface PartnerDeps {
  open: () => Promise<PeerStream>
  blocks: (cid: CID) => Uint8Array | undefined
  log: Logger
  /** These could not be asked for. */
  failed: (cids: CID[]) => void
}

/** Blocks up to this size are sent to who only asks whether they are here, as Go does. */
const smallBlockBytes = 1024
/** Blocks of one message; a larger one goes alone. */
const messageBytes = 512 * 1024
/** Wants of one peer that are remembered; Go keeps as many. More are answered when the block is here, and forgotten when not. */
const rememberedWants = 1024
/** Answers that wait until the peer reads; what it asks beyond is forgotten. */
const waitingAnswers = 16_384

/** CIDv1, dag-pb, sha2-256, 32 bytes: what stands before every block that we send. */
const prefix = Uint8Array.of(1, 0x70, 0x12, 32)

interface Remembered { cid: CID, isHave: boolean, sendDontHave: boolean }

/** Another peer in the exchange: what it wants of us, and what we have to tell it. One stream, kept open; Go does the same. */
export class Partner {
  readonly #peer: PeerId
  readonly #deps: PartnerDeps
  readonly #theirs = new Map<string, Remembered>()
  #wants = new Map<string, { cid: CID, type: 'block' | 'have', cancel: boolean }>()
  #underway = new Map<string, { cid: CID, cancel: boolean }>()
  readonly #answers = new Map<string, Remembered>()
  #stream: Promise<PeerStream> | undefined
  #isSending = false
  #isOverfull = false
  #isClosed = false

  constructor (peer: PeerId, deps: PartnerDeps) {
    this.#peer = peer
    this.#deps = deps
  }

  want (cid: CID, type: 'block' | 'have'): void { this.#ask(cid, type, false) }
  cancel (cid: CID): void { this.#ask(cid, 'block', true) }

  /** Takes the peer's wants. `isAll`: they replace what it wanted before. */
  wanted (entries: readonly BitswapWant[], isAll: boolean): void {
    if (isAll) this.#theirs.clear()
    for (const { cid: bytes, cancel, wantType, sendDontHave = false } of entries) {
      const cid = crdtCidOf(bytes)
      if (cid == null) continue
      const key = keyOf(cid)
      this.#theirs.delete(key)
      if (cancel === true) this.#answers.delete(key)
      else if (this.#answers.size < waitingAnswers) this.#answers.set(key, { cid, isHave: wantType === 'WantHave', sendDontHave })
      else this.#overfull()
    }
    this.#send()
  }

  /** Says so once, until the peer has read its answers. */
  #overfull (): void {
    if (this.#isOverfull) return
    this.#isOverfull = true
    this.#deps.log.warn('a peer wants more blocks than it reads answers; the rest is forgotten', { peer: this.#peer })
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
  }

  #ask (cid: CID, type: 'block' | 'have', cancel: boolean): void {
    this.#wants.set(keyOf(cid), { cid, type, cancel })
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
      if (message != null) await stream.write(encodeBitswapFrame(message))
      this.#underway.clear()
    }
    this.#isOverfull = false
  }

  async #openStream (): Promise<PeerStream> {
    const known = await this.#stream
    if (known != null && !known.wasReset.aborted) return known
    this.#stream = this.#deps.open()
    return this.#stream
  }

  /** Undefined when there was nothing to say after all. */
  #nextMessage (): OutgoingBitswap | undefined {
    const wants = [...this.#wants.values()].map(({ cid, type, cancel }) => ({ cid: cid.bytes, type, cancel }))
    this.#underway = this.#wants
    this.#wants = new Map()
    const blocks: Array<{ prefix: Uint8Array, data: Uint8Array }> = []
    const presences: Array<{ cid: Uint8Array, has: boolean }> = []
    let sizeBytes = 0
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
    }
    return wants.length + blocks.length + presences.length === 0 ? undefined : { wants, blocks, presences }
  }

  #remember (key: string, want: Remembered): void {
    if (this.#theirs.size < rememberedWants) this.#theirs.set(key, want)
  }

  #failed (err: unknown): void {
    if (!this.#isClosed) this.#deps.log.debug('a peer does not take bitswap messages', { peer: this.#peer, err })
    this.#stream = undefined
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
