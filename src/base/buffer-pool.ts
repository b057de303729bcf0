import type { Clock } from './clock.ts'
import { lend } from './lent-memory.ts'

/** Sizes are rounded up to this, so that records of about one size share their buffers. Bytes. */
const grain = 16 * 1024
/** Smaller ones come from Node's own pool. Bytes. */
const smallest = 32 * 1024

export interface BufferPoolInit {
  /** How much is kept for the next one. Bytes. */
  keepBytes: number
  /** Larger ones are made and forgotten. Bytes. */
  largestBytes: number
  /** What nobody asked for in this time is given up. Milliseconds. */
  idleMs: number
}

/**
 * Memory that goes from the disk to a socket and back here: large buffers that are made anew for every read are cleared by the kernel and
 * collected late, which takes longer than reading, and much of it waits to be collected.
 */
export class BufferPool {
  readonly #init: BufferPoolInit
  readonly #clock: Clock
  /** By size, the size that was used last at the end. */
  readonly #free = new Map<number, Buffer[]>()
  /** Those that were handed out and may come back, once. */
  readonly #out = new WeakSet<ArrayBufferLike>()
  #freeBytes = 0
  #isUsed = false
  #isWatched = false

  constructor (init: BufferPoolInit, { clock }: { clock: Clock }) {
    this.#init = init
    this.#clock = clock
  }

  /** At least so many bytes, with anything in them. */
  allocate (bytes: number): Buffer {
    if (bytes < smallest) return Buffer.allocUnsafe(bytes)
    const size = Math.ceil(bytes / grain) * grain
    if (size > this.#init.largestBytes) return Buffer.allocUnsafeSlow(bytes)
    this.#isUsed = true
    const found = this.#ofSize(size).pop()
    if (found != null) this.#freeBytes -= size
    const buffer = found ?? Buffer.allocUnsafeSlow(size)
    this.#out.add(buffer.buffer)
    return buffer
  }

  /** Takes back what `view` lies in, if it came from here. Nobody may read or write it from now on. */
  release ({ buffer }: Uint8Array): void {
    if (!this.#out.delete(buffer)) return
    const size = buffer.byteLength
    const same = this.#ofSize(size)
    if (!this.#hasRoomFor(size)) return
    this.#freeBytes += size
    same.push(Buffer.from(buffer))
    this.#watch()
  }

  /** Exactly so many bytes, which come back when all of them have been given back (`giveBack`). Small and very large ones never do. */
  lend (bytes: number): Buffer {
    if (bytes < smallest || bytes > this.#init.largestBytes) return Buffer.allocUnsafeSlow(bytes)
    const memory = this.allocate(bytes).subarray(0, bytes)
    lend(memory, again => this.release(again))
    return memory
  }

  #ofSize (size: number): Buffer[] {
    const same = this.#free.get(size) ?? []
    this.#free.delete(size)
    this.#free.set(size, same)
    return same
  }

  /** Sizes that were used before, and aren't now, make room. */
  #hasRoomFor (size: number): boolean {
    const { keepBytes } = this.#init
    for (const [other, list] of this.#free) {
      while (other !== size && this.#freeBytes + size > keepBytes && list.pop() != null) this.#freeBytes -= other
      if (this.#freeBytes + size <= keepBytes) return true
    }
    return false
  }

  /** Bytes that wait for their next use. */
  get freeBytes (): number { return this.#freeBytes }

  #watch (): void {
    if (this.#isWatched) return
    this.#isWatched = true
    this.#isUsed = false
    this.#clock.after(this.#init.idleMs, () => {
      this.#isWatched = false
      if (this.#isUsed) this.#watch()
      else this.#drop()
    })
  }

  #drop (): void {
    this.#free.clear()
    this.#freeBytes = 0
  }
}
