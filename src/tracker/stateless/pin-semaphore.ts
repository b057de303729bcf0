import type { Clock } from '../../base/clock.ts'

export interface PinSemaphoreInit {
  slots: number
  /** A pin that made no progress from one look to the next gives its slot to others that wait. Milliseconds between looks. */
  lookMs: number
  /** How many pins may go on without a slot. */
  maxParked: number
  /** How many pins may go on without a slot because nothing is left to be fetched for them. */
  mostWhole: number
}

export interface PinSemaphoreDeps {
  clock: Pick<Clock, 'after'>
  /** A figure that changes while the pin goes on; undefined when nothing is known. */
  progress: (key: string) => number | undefined
  /** Whether a pin waits for a slot. */
  isWaited: () => boolean
  /** Called when a pin has given up its slot and goes on. */
  left: (key: string) => void
  /** Called when slots were given up, and at each look while pins wait. */
  freed: () => void
}

/** `parked`: without a slot because it is stuck; `whole`: because it is as good as done. */
interface Running { progress: number | undefined, looks: number, place: 'slot' | 'parked' | 'whole' }

/**
 * How many pins run at once. One that waits for blocks that nobody sends must not hold others up for as long as pin_timeout: when others
 * wait it goes on without a slot ("parked"), until it is done or gives up. A bounded number may, because each needs some memory.
 */
export class PinSemaphore {
  readonly #init: PinSemaphoreInit
  readonly #deps: PinSemaphoreDeps
  readonly #running = new Map<string, Running>()
  #free: number
  #parked = 0
  #whole = 0
  #cancelLook: (() => void) | undefined

  constructor (init: PinSemaphoreInit, deps: PinSemaphoreDeps) {
    this.#init = init
    this.#deps = deps
    this.#free = init.slots
  }

  /** Below 0 while more run than there are slots. */
  get free (): number { return this.#free }
  get parked (): number { return this.#parked }

  take (key: string): void {
    this.#free--
    this.#running.set(key, { progress: undefined, looks: 0, place: 'slot' })
    this.#cancelLook ??= this.#deps.clock.after(this.#init.lookMs, () => this.#look())
  }

  give (key: string): void {
    const running = this.#running.get(key)
    if (running == null) return
    this.#running.delete(key)
    this.#leave(running)
  }

  /** All of its content is here: others may fetch meanwhile. */
  whole (key: string): void {
    const running = this.#running.get(key)
    if (running == null || running.place === 'whole' || this.#whole >= this.#init.mostWhole) return
    const hadSlot = running.place === 'slot'
    this.#leave(running)
    running.place = 'whole'
    this.#whole++
    if (!hadSlot) return
    this.#deps.left(key)
    this.#deps.freed()
  }

  #leave ({ place }: Running): void {
    if (place === 'slot') this.#free++
    else if (place === 'parked') this.#parked--
    else this.#whole--
  }

  /** No more looks. */
  stop (): void { this.#cancelLook?.() }

  #look (): void {
    for (const [key, running] of this.#running) {
      if (running.place === 'slot') this.#lookAt(key, running)
    }
    this.#cancelLook = this.#running.size === 0 ? undefined : this.#deps.clock.after(this.#init.lookMs, () => this.#look())
    if (this.#deps.isWaited()) this.#deps.freed()
  }

  #lookAt (key: string, running: Running): void {
    const progress = this.#deps.progress(key)
    const isStuck = running.looks > 0 && progress === running.progress
    running.looks++
    running.progress = progress
    if (!isStuck || this.#parked >= this.#init.maxParked || !this.#deps.isWaited()) return
    running.place = 'parked'
    this.#parked++
    this.#free++
    this.#deps.left(key)
  }
}
