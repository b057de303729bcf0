import { isBlockKey } from '../../wire/crdt-block.ts'
import type { Delta, DeltaTombstone } from '../../wire/delta.ts'
import type { Version } from './value-record.ts'

/** What a merge needs to know of the state before it. */
export interface MergeView {
  /** Whether a pin can have this key. Other keys are not kept at all: they can't influence any pin. */
  isPinKey (key: string): boolean
  /** The key's value as the CRDT has it. */
  current (key: string): Version | undefined
  isTombstoned (key: string, id: string): boolean
  /** For keys that the delta tombstones: the best of the live versions that it leaves (see `bestVersion`). */
  survivor (key: string): Version | undefined
}

/** What a merge changes. */
export interface MergeEffects {
  /** Versions that become void; ids that no block can have are left out. */
  tombstones: DeltaTombstone[]
  /** Keys for which the merged block is a live version. */
  elements: string[]
  /** New values; undefined: the key has none left. Only keys on which the delta had a say. */
  values: Map<string, Version | undefined>
}

/** The ids that a delta tombstones, by key of a pin. */
export function tombstonedIds (delta: Delta, isPinKey: (key: string) => boolean): Map<string, Set<string>> {
  const ids = new Map<string, Set<string>>()
  for (const { key, id } of delta.tombstones) {
    if (!isPinKey(key)) continue
    const known = ids.get(key)
    if (known == null) ids.set(key, new Set([id]))
    else known.add(id)
  }
  return ids
}

/**
 * Merges one block's delta (go-ds-crdt, equal to Go's in every corner). First tombstones: each key gets the best version that is left,
 * evaluated again even when the id is unknown. Then elements, compared with the value before the first of them: with one key twice in a
 * delta, the last that passes wins, which needn't be the greatest.
 */
export function mergeDelta (delta: Delta, id: string, view: MergeView): MergeEffects {
  const effects: MergeEffects = { tombstones: [], elements: [], values: new Map() }
  for (const [key, ids] of tombstonedIds(delta, key => view.isPinKey(key))) {
    effects.values.set(key, view.survivor(key))
    for (const void_ of ids) if (isBlockKey(void_)) effects.tombstones.push({ key, id: void_ })
  }
  mergeElements(delta, id, view, effects)
  return effects
}

const none: ReadonlyMap<string, Version | undefined> = new Map()

function mergeElements (delta: Delta, id: string, view: MergeView, effects: MergeEffects): void {
  const afterTombstones = effects.values.size === 0 ? none : new Map(effects.values)
  const recorded = new Set<string>()
  for (const { key, value } of delta.elements) {
    if (!view.isPinKey(key) || view.isTombstoned(key, id)) continue
    if (!recorded.has(key)) effects.elements.push(key)
    recorded.add(key)
    const current = afterTombstones.has(key) ? afterTombstones.get(key) : view.current(key)
    const candidate = { priority: delta.priority, value }
    if (isGreater(candidate, current)) effects.values.set(key, candidate)
  }
}

const nothing: Version = { priority: 0, value: new Uint8Array(0) }

/** The higher block wins; at equal height the greater bytes. No version counts as an empty value at height 0, as in Go. */
export function isGreater (candidate: Version, current: Version | undefined): boolean {
  const { priority, value } = current ?? nothing
  if (candidate.priority !== priority) return candidate.priority > priority
  return Buffer.compare(candidate.value, value) > 0
}

/** The greatest of several versions. An empty value is none, even when it is the greatest. */
export function bestVersion (versions: Iterable<Version>): Version | undefined {
  const best = greatest(versions)
  return best == null || best.value.length === 0 ? undefined : best
}

/** The version that a block brings of a key: the greatest value among its elements. */
export function versionIn (delta: Delta, key: string): Version {
  const versions = delta.elements.filter(element => element.key === key).map(({ value }) => ({ priority: delta.priority, value }))
  return greatest(versions) ?? { priority: delta.priority, value: nothing.value }
}

function greatest (versions: Iterable<Version>): Version | undefined {
  let best: Version | undefined
  for (const version of versions) if (best == null || isGreater(version, best)) best = version
  return best
}
