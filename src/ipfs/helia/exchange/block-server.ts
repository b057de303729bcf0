import type { Stream } from '@libp2p/interface'
import { CID } from 'multiformats/cid'
import { decode as decodeMultihash } from 'multiformats/hashes/digest'
import { Uint8ArrayList } from 'uint8arraylist'
import { deadline } from '../../../base/clock.ts'
import type { Clock } from '../../../base/clock.ts'
import { ClusterError } from '../../../base/errors.ts'
import type { Logger } from '../../../base/log.ts'
import { answerHead, maxAnswerBytes, maxAsked, maxMultihashBytes } from '../../../wire/block-answers.ts'
import { FrameReader } from '../../../base/frame-reader.ts'
import { rawCodec } from '../../../model/multicodec.ts'

export interface BlockServerInit {
  /** How long a peer may take none of what it asked for. Milliseconds. */
  stallMs: number
  /** Streams that are served at a time, of all peers. */
  maxStreams: number
}

export interface BlockServerDeps {
  /** A block that is here and may be sent to others. */
  blocks: (cid: CID) => Promise<Uint8Array | undefined>
  clock: Clock
  log: Logger
}

/** Blocks that are read before the one before them is on its way. */
const readAhead = 1

/** Gives blocks to peers that ask for them one after the other, in their order. */
export class BlockServer {
  readonly #init: BlockServerInit
  readonly #deps: BlockServerDeps
  #streams = 0

  constructor (init: BlockServerInit, deps: BlockServerDeps) {
    this.#init = init
    this.#deps = deps
  }

  /** Answers on a stream until the peer has no more to ask. Faults end that stream alone. */
  serve (stream: Stream): void {
    if (this.#streams >= this.#init.maxStreams) {
      stream.abort(tooMany('too many streams ask for blocks'))
      return
    }
    this.#streams++
    new Serving(stream, this.#init, this.#deps).run().catch(err => {
      this.#deps.log.debug('blocks are no longer sent to a peer', { err })
      stream.abort(err as Error)
    }).finally(() => { this.#streams-- })
  }
}

class Serving {
  readonly #stream: Stream
  readonly #init: BlockServerInit
  readonly #deps: BlockServerDeps
  readonly #asked: CID[] = []
  readonly #reading: Array<Promise<Uint8Array | undefined>> = []
  #isOver = false
  #fault: Error | undefined
  #wake: () => void = () => {}

  constructor (stream: Stream, init: BlockServerInit, deps: BlockServerDeps) {
    this.#stream = stream
    this.#init = init
    this.#deps = deps
  }

  async run (): Promise<void> {
    const frames = new FrameReader(maxMultihashBytes)
    const over = (): void => {
      this.#isOver = true
      this.#wake()
    }
    this.#stream.addEventListener('message', ({ data }) => this.#take(frames, data))
    this.#stream.addEventListener('remoteCloseWrite', over)
    this.#stream.addEventListener('close', over)
    for (let block = await this.#next(); block !== 'over'; block = await this.#next()) await this.#give(block)
    if (this.#stream.status === 'open') await this.#stream.close()
  }

  #take (frames: FrameReader, data: Parameters<FrameReader['push']>[0]): void {
    try {
      for (const frame of frames.push(data)) this.#asked.push(CID.createV1(rawCodec, decodeMultihash(frame)))
      if (this.#asked.length + this.#reading.length > maxAsked) throw tooMany('a peer asks for too many blocks at once')
    } catch (err) {
      this.#fault = err as Error
    }
    this.#wake()
  }

  /** The answer whose turn it is; `over` when no more will be asked. */
  async #next (): Promise<Uint8Array | undefined | 'over'> {
    for (;;) {
      if (this.#fault != null) throw this.#fault
      if (this.#stream.status !== 'open') return 'over'
      while (this.#reading.length <= readAhead && this.#asked.length > 0) this.#reading.push(this.#read(this.#asked.shift() as CID))
      const first = this.#reading.shift()
      if (first != null) return first
      if (this.#isOver) return 'over'
      await new Promise<void>(resolve => { this.#wake = resolve })
    }
  }

  /** What can't be read isn't here: the peer asks others. */
  async #read (cid: CID): Promise<Uint8Array | undefined> {
    try {
      const block = await this.#deps.blocks(cid)
      return block == null || block.length > maxAnswerBytes ? undefined : block
    } catch (err) {
      this.#deps.log.debug('a block could not be sent to a peer', { cid: cid.toString(), err })
      return undefined
    }
  }

  async #give (block: Uint8Array | undefined): Promise<void> {
    const head = answerHead(block)
    if (this.#stream.send(block == null ? head : new Uint8ArrayList(head, block))) return
    const limit = deadline(this.#deps.clock, this.#init.stallMs, takesNothing)
    try {
      await this.#stream.onDrain({ signal: limit.signal })
    } finally {
      limit.clear()
    }
  }
}

const tooMany = (message: string): ClusterError => new ClusterError('QUEUE_FULL', {}, { message })
const takesNothing = (): ClusterError => new ClusterError('TIMEOUT', {}, { message: 'a peer does not read the blocks that it asked for' })
