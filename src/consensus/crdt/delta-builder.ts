import { elementBytes, tombstoneBytes } from '../../wire/delta.ts'
import type { DeltaElement, DeltaTombstone } from '../../wire/delta.ts'
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

/** What a peer wants done to one key. */
export interface LocalChange extends Overlay { key: string }

/** As much as fits into one delta. `done`: keys that need no further block. */
export interface BuiltDelta { elements: DeltaElement[], tombstones: DeltaTombstone[], done: string[] }

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
  const built: BuiltDelta = { elements: [], tombstones: [], done: [] }
  let room = maxDeltaBytes
  for await (const { key, put, tombstones } of withTombstones(changes, liveIds)) {
    const element = put == null ? undefined : { key, value: put }
    const needed = (element == null ? 0 : elementBytes(element)) + tombstones.reduce((sum, one) => sum + tombstoneBytes(one), 0)
    if (needed > room) {
      if (built.done.length === 0) built.tombstones = fitting(tombstones)
      break
    }
    room -= needed
    if (element != null) built.elements.push(element)
    built.tombstones.push(...tombstones)
    built.done.push(key)
  }
  return built
}

interface Removing { key: string, put: LocalChange['put'], tombstones: DeltaTombstone[] }

async function * withTombstones (changes: Iterable<LocalChange>, liveIds: (key: string) => Promise<string[]>): AsyncGenerator<Removing> {
  let group: LocalChange[] = []
  const lookedUp = async (): Promise<Removing[]> => Promise.all(group.map(async ({ key, remove, put }) =>
    ({ key, put, tombstones: remove ? (await liveIds(key)).map(id => ({ key, id })) : [] })))
  for (const change of changes) {
    group.push(change)
    if (group.length < lookedUpAtOnce) continue
    yield * await lookedUp()
    group = []
  }
  yield * await lookedUp()
}

function fitting (tombstones: readonly DeltaTombstone[]): DeltaTombstone[] {
  let room = maxDeltaBytes
  return tombstones.filter(one => (room -= tombstoneBytes(one)) >= 0)
}
