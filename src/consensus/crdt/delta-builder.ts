import { elementBytes, tombstoneBytes } from '../../wire/delta.ts'
import type { DeltaElement, DeltaTombstone } from '../../wire/delta.ts'
import type { Pin } from '../../model/pin.ts'
import type { StoredPin } from '../../wire/pin.ts'
import type { Overlay } from './value-record.ts'

/** Go commits a batch at 1 MiB, and a block must pass bitswap: deltas stay below, with room for links and headers. */
export const maxDeltaBytes = 1024 * 1024 - 16 * 1024

/**
 * Keys whose live versions are looked up side by side: one after the other, each would wait for its turn behind all else that a busy peer
 * does.
 */
const lookedUpAtOnce = 64

/** A stored pin above this is refused: it would crowd a delta. */
export const maxPinBytes = 256 * 1024

/** What a peer wants done to one key. `pin`: what `put` says, where that is known. */
export interface LocalChange extends Overlay { key: string, pin?: Pin | undefined }

/** As much as fits into one delta. `pins`: what its elements say, by key, as far as it is known. `done`: keys that need no further block. */
export interface BuiltDelta { elements: DeltaElement[], tombstones: DeltaTombstone[], pins: Map<string, StoredPin>, done: string[] }

/** The keys that a cut has something to say of, and those that are done. */
export const keysOf = ({ elements, tombstones, done }: BuiltDelta): Set<string> =>
  new Set([...elements, ...tombstones].map(({ key }) => key).concat(done))

/** The change that two changes to one key make, the newer one second. */
export const combined = (older: Overlay, newer: Overlay): Overlay => ({ remove: older.remove || newer.remove, put: newer.put })

/**
 * Fills a delta, one element per key. A removal whose tombstones alone exceed the delta is spread: it isn't `done` until no live version is
 * left.
 */
export async function buildDelta (changes: Iterable<LocalChange>, liveIds: (key: string) => Promise<string[]>): Promise<BuiltDelta> {
  const delta = new DeltaInMaking()
  let group: LocalChange[] = []
  for (const change of changes) {
    group.push(change)
    if (group.length < lookedUpAtOnce) continue
    if (!delta.take(group, await tombstonesOf(group, liveIds))) return delta.built
    group = []
  }
  delta.take(group, await tombstonesOf(group, liveIds))
  return delta.built
}

const none: readonly DeltaTombstone[] = []

/** What each change voids. Most are pins, for which nothing has to be looked up. */
async function tombstonesOf (
  changes: readonly LocalChange[], liveIds: (key: string) => Promise<string[]>
): Promise<ReadonlyArray<readonly DeltaTombstone[]> | undefined> {
  if (!changes.some(({ remove }) => remove)) return undefined
  return Promise.all(changes.map(async ({ key, remove }) => remove ? (await liveIds(key)).map(id => ({ key, id })) : none))
}

class DeltaInMaking {
  readonly built: BuiltDelta = { elements: [], tombstones: [], pins: new Map(), done: [] }
  #room = maxDeltaBytes

  /** False: one didn't fit, and nothing behind it is taken. */
  take (changes: readonly LocalChange[], tombstones: ReadonlyArray<readonly DeltaTombstone[]> | undefined): boolean {
    return changes.every((change, at) => this.#takeOne(change, tombstones?.[at] ?? none))
  }

  #takeOne ({ key, put, pin }: LocalChange, tombstones: readonly DeltaTombstone[]): boolean {
    const { built } = this
    const element = put == null ? undefined : { key, value: put }
    const needed = (element == null ? 0 : elementBytes(element)) + tombstones.reduce((sum, one) => sum + tombstoneBytes(one), 0)
    if (needed > this.#room) {
      if (built.done.length === 0) built.tombstones = fitting(tombstones)
      return false
    }
    this.#room -= needed
    if (element != null) built.elements.push(element)
    if (element != null && pin != null) built.pins.set(key, { value: element.value, pin })
    built.tombstones.push(...tombstones)
    built.done.push(key)
    return true
  }
}

function fitting (tombstones: readonly DeltaTombstone[]): DeltaTombstone[] {
  let room = maxDeltaBytes
  return tombstones.filter(one => (room -= tombstoneBytes(one)) >= 0)
}
