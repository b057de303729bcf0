import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { BufferPool } from '../../base/buffer-pool.ts'
import type { Clock } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import { soleShare } from '../../base/shares.ts'
import type { Share } from '../../base/shares.ts'
import { TickBudget } from './tick-budget.ts'

export interface BytesInFlightInit {
  /** Bytes that all answers together may have read and not yet given to the kernel. */
  maxBytes: number
  /** While others wait for room, an answer whose client took nothing for this long is ended. Milliseconds. */
  stalledMs: number
  /** How much memory is kept for what is read next. Default: as much as may be in flight. Bytes. */
  keepBytes?: number
}

/** `shares`: where other threads send, too, this one's part of the bytes (in KiB) and of the answers that wait for room. */
export interface BytesInFlightDeps { clock: Clock, shares?: { bytes: Share, waiting: Share } | undefined }

/** What others gave back is looked for this often. Milliseconds. */
const lookMs = 10

/** An answer that is on its way. */
export interface Reader {
  /**
   * Waits until there is room; undefined when there is. Throws or rejects with TIMEOUT when the reader was ended, or with the signal's
   * reason.
   */
  take (bytes: number, signal: AbortSignal): Promise<void> | undefined
  /** Read-ahead, which can be done without: false when memory is short. */
  tryTake (bytes: number): boolean
  /** Whether pieces of the largest size may be read: `tryTake` would give as much. */
  isRoomy (): boolean
  /** A piece was larger than was thought. */
  tookMore (bytes: number): void
  /** The client has taken so many bytes, or they were thrown away. */
  give (bytes: number): void
  /** The client took something. */
  moved (): void
  /** Gives everything back. */
  end (): void
}

export interface ReaderInit {
  /** Ends the answer: called at most once, when its client stalls and others wait. */
  cut: () => void
  /** Bytes that are written and not yet taken by the kernel: while this changes, the client reads. */
  pending: () => number
}

/** Larger blocks aren't usual. */
const largestBuffer = 2 * 2 ** 20 + 64 * 1024

/** What is read together at most. */
const joinedPiece = 2 ** 20

interface Waiting { bytes: number, reader: Flight, ready: () => void }

/**
 * Memory for answers, shared by all listeners: whoever reads content to send takes room first. Clients that don't read can't keep it from
 * the others for long: while somebody waits, stalled answers are ended.
 */
export class BytesInFlight {
  /** For what is read to be sent: who sends it gives it back. */
  readonly buffers: BufferPool
  /** For whoever writes much. */
  readonly tickBudget = new TickBudget()
  readonly #init: BytesInFlightInit
  readonly #clock: Clock
  readonly #flights = new Set<Flight>()
  readonly #waiting: Waiting[] = []
  readonly #isShared: boolean
  readonly #bytesShare: Share
  readonly #waitingShare: Share
  #bytes = 0
  #isWatching = false
  #isLooking = false

  constructor (init: BytesInFlightInit, { clock, shares }: BytesInFlightDeps) {
    this.buffers = new BufferPool({ keepBytes: init.keepBytes ?? init.maxBytes, largestBytes: largestBuffer, idleMs: 10_000 }, { clock })
    this.#init = init
    this.#clock = clock
    this.#isShared = shares != null
    this.#bytesShare = shares?.bytes ?? soleShare
    this.#waitingShare = shares?.waiting ?? soleShare
  }

  reader (init: ReaderInit): Reader {
    const flight = new Flight(this, init)
    this.#flights.add(flight)
    return flight
  }

  /** Bytes that are taken now. */
  get bytes (): number { return this.#bytes }
  get now (): number { return this.#clock.elapsed() }
  get isShort (): boolean { return this.#waiting.length > 0 || this.#waitingShare.others() > 0 }

  /** One answer alone always gets its room, however large its piece. */
  fits (bytes: number, share = 1): boolean {
    const taken = this.#bytes + this.#bytesShare.others() * 1024
    return taken === 0 || taken + bytes <= this.#init.maxBytes * share
  }

  add (bytes: number): void {
    this.#bytes += bytes
    this.#bytesShare.tell(Math.ceil(this.#bytes / 1024))
    if (bytes < 0) this.#admit()
    // others may wait for what is stalled here
    else if (this.#isShared) this.#watch()
  }

  async wait (reader: Flight, bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiting: Waiting = { bytes, reader, ready: resolve }
    const onAbort = (): void => {
      this.#leave(waiting)
      reject(signal.reason)
    }
    this.#waiting.push(waiting)
    this.#waitingShare.tell(this.#waiting.length)
    signal.addEventListener('abort', onAbort, { once: true })
    this.#watch()
    if (this.#isShared) this.#look()
    try {
      await promise
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  gone (flight: Flight): void { this.#flights.delete(flight) }

  #leave (waiting: Waiting): void {
    const at = this.#waiting.indexOf(waiting)
    if (at >= 0) this.#waiting.splice(at, 1)
    this.#waitingShare.tell(this.#waiting.length)
  }

  #admit (): void {
    for (let next = this.#waiting[0]; next != null && this.fits(next.bytes); next = this.#waiting[0]) {
      this.#leave(next)
      next.reader.tookMore(next.bytes)
      next.ready()
    }
  }

  /** Nobody tells when another thread gives something back. */
  #look (): void {
    if (this.#isLooking) return
    this.#isLooking = true
    this.#clock.after(lookMs, () => {
      this.#isLooking = false
      this.#admit()
      if (this.#waiting.length > 0) this.#look()
    })
  }

  #watch (): void {
    if (this.#isWatching) return
    this.#isWatching = true
    this.#clock.after(this.#init.stalledMs / 4, () => {
      this.#isWatching = false
      const before = this.now - this.#init.stalledMs
      if (this.isShort) for (const flight of this.#flights) if (flight.stoodStillSince(before)) flight.cutOff()
      if (this.#waiting.length > 0 || (this.#isShared && this.#bytes > 0)) this.#watch()
    })
  }
}

class Flight implements Reader {
  readonly #all: BytesInFlight
  readonly #init: ReaderInit
  #isEnded = false
  #bytes = 0
  #pending = 0
  #movedAt: number

  constructor (all: BytesInFlight, init: ReaderInit) {
    this.#all = all
    this.#init = init
    this.#movedAt = all.now
  }

  take (bytes: number, signal: AbortSignal): Promise<void> | undefined {
    if (this.#isEnded) throw new ClusterError('TIMEOUT', {}, { message: 'the client does not read its answer' })
    if (this.#all.isShort || !this.#all.fits(bytes)) return this.#all.wait(this, bytes, signal)
    this.tookMore(bytes)
    return undefined
  }

  tryTake (bytes: number): boolean {
    if (!this.#hasRoomFor(bytes)) return false
    this.tookMore(bytes)
    return true
  }

  isRoomy (): boolean { return this.#hasRoomFor(joinedPiece) }

  tookMore (bytes: number): void {
    if (this.#isEnded) return
    this.#bytes += bytes
    this.#all.add(bytes)
  }

  give (bytes: number): void {
    const given = Math.min(bytes, this.#bytes)
    this.#bytes -= given
    if (given > 0) this.#all.add(-given)
  }

  moved (): void { this.#movedAt = this.#all.now }

  #hasRoomFor (bytes: number): boolean { return !this.#isEnded && !this.#all.isShort && this.#all.fits(bytes, 0.5) }

  /** Only who holds memory for a client that has something to read can stall. */
  stoodStillSince (time: number): boolean {
    const pending = this.#init.pending()
    if (pending !== this.#pending) {
      this.#pending = pending
      this.moved()
    }
    return this.#bytes > 0 && pending > 0 && this.#movedAt <= time
  }

  cutOff (): void {
    this.end()
    this.#init.cut()
  }

  end (): void {
    if (this.#isEnded) return
    this.give(this.#bytes)
    this.#isEnded = true
    this.#all.gone(this)
  }
}

/** A place for one answer: its connection ends when its client doesn't read and others wait. */
export function readerFor (flow: BytesInFlight, response: ServerResponse): Reader {
  const { socket } = response
  return flow.reader({ cut: () => response.destroy(), pending: () => pendingBytes(socket) })
}

/** Bytes that the kernel hasn't taken. */
const pendingBytes = (socket: Socket | null): number => (
  socket as { _handle?: { writeQueueSize?: number } } | null
)?._handle?.writeQueueSize ?? socket?.writableLength ?? 0
