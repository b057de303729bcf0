import type { CID } from 'multiformats/cid'
import { batchesOf } from '../../base/batches.ts'
import { inNextTick } from '../../base/event-loop.ts'
import type { PortCalls } from '../../base/port-calls.ts'
import type { BlockPlace } from '../../blockstore/blockstore.ts'
import { blockKeyOf, placeAt } from './calls.ts'

export interface PlacesInit {
  /** Places that are remembered. */
  size: number
}

export interface PlacesDeps { calls: Pick<PortCalls, 'call'> }

interface Asked { key: string, resolve: (place: BlockPlace | undefined) => void, reject: (err: unknown) => void }

/** One question holds no more: it is answered in one tick. */
const askedAtOnce = 256

/**
 * Where blocks lie, as the thread that has the store said. What is asked for in one tick is one question. That a block has no place isn't
 * remembered: it may come at any moment.
 */
export class Places {
  readonly #init: PlacesInit
  readonly #calls: Pick<PortCalls, 'call'>
  #known = new Map<string, BlockPlace>()
  /** What was remembered before; what is asked for of it again is kept. */
  #older = new Map<string, BlockPlace>()
  readonly #asking = new Map<string, Promise<BlockPlace | undefined>>()
  #asked: Asked[] = []

  constructor (init: PlacesInit, { calls }: PlacesDeps) {
    this.#init = init
    this.#calls = calls
  }

  known (cid: CID): BlockPlace | undefined { return this.#remembered(blockKeyOf(cid)) }

  async find (cid: CID): Promise<BlockPlace | undefined> {
    const key = blockKeyOf(cid)
    return this.#remembered(key) ?? this.#asking.get(key) ?? this.#ask(key)
  }

  /** This place was wrong. */
  drop (cid: CID): void {
    const key = blockKeyOf(cid)
    this.#known.delete(key)
    this.#older.delete(key)
  }

  /** Places have changed: all are asked for anew, and answers that are on their way don't count. */
  clear (): void {
    this.#known.clear()
    this.#older.clear()
    this.#asking.clear()
  }

  #ask (key: string): Promise<BlockPlace | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<BlockPlace | undefined>()
    this.#asking.set(key, promise)
    if (this.#asked.length === 0) {
      inNextTick(() => { for (const some of batchesOf(this.#asked.splice(0), askedAtOnce)) void this.#send(some) })
    }
    this.#asked.push({ key, resolve, reject })
    return promise
  }

  async #send (asked: readonly Asked[]): Promise<void> {
    try {
      const packed = await this.#calls.call<Float64Array>('places', asked.map(({ key }) => key))
      for (const [at, one] of asked.entries()) this.#came(one, placeAt(packed, at))
    } catch (err) {
      for (const { key, reject } of asked) {
        this.#asking.delete(key)
        reject(err)
      }
    }
  }

  #came ({ key, resolve }: Asked, place: BlockPlace | undefined): void {
    // what was asked before `clear` isn't remembered
    if (this.#asking.delete(key) && place != null) this.#remember(key, place)
    resolve(place)
  }

  #remembered (key: string): BlockPlace | undefined {
    const place = this.#known.get(key)
    if (place != null) return place
    const older = this.#older.get(key)
    if (older != null) this.#remember(key, older)
    return older
  }

  #remember (key: string, place: BlockPlace): void {
    if (this.#known.size >= this.#init.size / 2) {
      this.#older = this.#known
      this.#known = new Map()
    }
    this.#known.set(key, place)
  }
}
