import { batchesOf } from '../../base/batches.ts'
import type { GroupQuestion, KeyDigest, KeyGroup, PartsOptions, PinsetParts } from '../../consensus/pinset-digest.ts'

/** A key that two pinsets don't have in common: what each has under it, as digest; undefined: nothing. */
export interface KeyDifference { key: string, one: string | undefined, other: string | undefined }

export interface DifferenceOptions extends PartsOptions {
  /** More keys than these aren't looked for. */
  most: number
}

/** Keys with different values at two peers. */
export interface Difference {
  keys: KeyDifference[]
  /** There are more. */
  isCut: boolean
}

/** With so few keys below a beginning they are listed rather than divided. */
const fewKeys = 64
const questionsAtOnce = 128
/** Keys of the longest CIDs have some 500 characters, but not that long a beginning in common. */
const deepest = 200

/**
 * The keys in which two pinsets differ, found by descending where digests of parts do: costs by the difference, not by the pinset. What is
 * changed meanwhile may be among them. `differ`: it is known that they do; when no part shows it all keys are compared.
 */
export async function differenceOf (
  pinsets: readonly [PinsetParts, PinsetParts], { most, signal }: DifferenceOptions, differ = false
): Promise<Difference> {
  const options = signal == null ? {} : { signal }
  const cells = await both(pinsets, parts => parts.cells(options))
  let open = unequalGroups(cells)
  if (open.length === 0 && differ) open = union(cells.flat().map(({ prefix }) => prefix)).map(prefix => ({ prefix, pins: 0 }))
  const keys: KeyDifference[] = []
  while (open.length > 0 && keys.length < most) {
    const now = open.splice(0, questionsAtOnce)
    const small = now.filter(({ pins, prefix }) => pins <= fewKeys || prefix.length >= deepest).map(({ prefix }) => prefix)
    const large = now.filter(({ prefix }) => !small.includes(prefix)).map(
      ({ prefix }): GroupQuestion => ({ prefix, depth: prefix.length + 1 })
    )
    if (large.length > 0) open.unshift(...unequalGroups(await both(pinsets, parts => parts.groups(large, options))))
    if (small.length > 0) keys.push(...unequalKeys(await both(pinsets, parts => parts.keys(small, options))))
  }
  return { keys: keys.slice(0, most), isCut: keys.length > most || open.length > 0 }
}

/** These keys again: those that still differ. */
export async function stillDiffering (
  pinsets: readonly [PinsetParts, PinsetParts], keys: readonly string[], options: PartsOptions = {}
): Promise<KeyDifference[]> {
  const found: KeyDifference[] = []
  for (const asked of batchesOf(keys, questionsAtOnce)) {
    found.push(...unequalKeys(await both(pinsets, parts => parts.keys(asked, options))).filter(({ key }) => asked.includes(key)))
  }
  return found
}

type Pair<T> = readonly [T, T]

const both = async <T>([one, other]: Pair<PinsetParts>, ask: (parts: PinsetParts) => Promise<T>): Promise<[T, T]> =>
  Promise.all([ask(one), ask(other)])
const union = (texts: readonly string[]): string[] => [...new Set(texts)].toSorted()

function unequalGroups ([ones, others]: Pair<KeyGroup[]>): Array<{ prefix: string, pins: number }> {
  const [one, other] = [byName(ones, ({ prefix }) => prefix), byName(others, ({ prefix }) => prefix)]
  return union([...one.keys(), ...other.keys()]).flatMap(prefix => {
    const [here, there] = [one.get(prefix), other.get(prefix)]
    return here?.digest === there?.digest && here?.pins === there?.pins
      ? []
      : [{ prefix, pins: Math.max(here?.pins ?? 0, there?.pins ?? 0) }]
  })
}

function unequalKeys ([ones, others]: Pair<KeyDigest[]>): KeyDifference[] {
  const [one, other] = [byName(ones, ({ key }) => key), byName(others, ({ key }) => key)]
  return union([...one.keys(), ...other.keys()]).flatMap(key => {
    const [here, there] = [one.get(key)?.digest, other.get(key)?.digest]
    return here === there ? [] : [{ key, one: here, other: there }]
  })
}

const byName = <T>(list: readonly T[], name: (one: T) => string): Map<string, T> => new Map(list.map(one => [name(one), one]))
