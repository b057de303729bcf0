import type { Overlay, ValueRecord, Version } from './value-record.ts'

/** What was there when a conditional change went into the journal: the merged value, and what the journal said before. */
interface Condition { version: Version | undefined, before: Overlay | undefined }

/**
 * Remembers which changes in the journal were made for a certain pin, so that they don't undo what is merged until they get their block. In
 * memory only: what an earlier run left in the journal gets its block in any case.
 */
export class Conditions {
  readonly #conditions = new Map<string, Condition>()

  /** A conditional change of this key goes into the journal; `record` is from before. One that others follow keeps its condition. */
  add (key: string, { version, overlay: before }: ValueRecord): void {
    if (!this.#conditions.has(key)) this.#conditions.set(key, { version, before })
  }

  /** What the journal says of these keys now holds in any case, or has its block. */
  drop (keys: Iterable<string>): void { for (const key of keys) this.#conditions.delete(key) }

  /** What the journal has to say instead of changes whose items have been changed by others since. */
  overtaken (keys: Iterable<string>, record: (key: string) => ValueRecord): Map<string, Overlay | undefined> {
    const overlays = new Map<string, Overlay | undefined>()
    for (const key of keys) {
      const condition = this.#conditions.get(key)
      if (condition != null && !isSame(condition.version, record(key).version)) overlays.set(key, condition.before)
    }
    return overlays
  }
}

const isSame = (one: Version | undefined, other: Version | undefined): boolean =>
  one == null || other == null ? one === other : one.priority === other.priority && Buffer.compare(one.value, other.value) === 0
