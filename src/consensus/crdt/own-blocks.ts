import { encodeCrdtBlock } from '../../wire/crdt-block.ts'
import type { CrdtBlock } from '../../wire/crdt-block.ts'
import type { PinsetChange } from '../consensus.ts'
import type { CrdtStore } from './crdt-store.ts'
import { buildDelta } from './delta-builder.ts'
import type { BuiltDelta, LocalChange } from './delta-builder.ts'

export interface OwnBlocksDeps {
  store: CrdtStore
  /** Called for each block that this peer made, once the disk has it. */
  committed (block: CrdtBlock): void
  changed (changes: PinsetChange[]): void
}

/** Makes this peer's blocks, each on top of all heads. One write at a time. */
export class OwnBlocks {
  readonly #deps: OwnBlocksDeps

  constructor (deps: OwnBlocksDeps) { this.#deps = deps }

  /** The ids of the versions of a key that no tombstone names. */
  readonly liveIds = async (key: string): Promise<string[]> => (await this.#deps.store.liveVersions(key)).map(({ id }) => id)

  /** As much of the changes as fits into one block. */
  async build (changes: Iterable<LocalChange>): Promise<BuiltDelta> { return buildDelta(changes, this.liveIds) }

  /** The block of a cut; none when nothing is to be said. `unjournaled`: keys that leave the journal with it. */
  async write ({ elements, tombstones, pins }: BuiltDelta, unjournaled: readonly string[]): Promise<void> {
    const { store, committed, changed } = this.#deps
    if (elements.length === 0 && tombstones.length === 0) return
    const heads = [...store.heads.values()].map(({ cid }) => cid)
    const block = encodeCrdtBlock({ elements, tombstones, priority: this.#heightBelow(elements) + 1 }, heads)
    const changes = await store.apply(block, { sync: true, unjournaled, pins })
    committed(block)
    changed(changes)
  }

  /**
   * That of the highest head. On a damaged disk heads may be lost while values that came with them are there: what is written now has to
   * lie above these, or it would be acknowledged and lose against what it replaces.
   */
  #heightBelow (elements: BuiltDelta['elements']): number {
    const { store } = this.#deps
    const height = store.height()
    if (store.damage == null) return height
    return elements.reduce((highest, { key }) => Math.max(highest, store.record(key).version?.priority ?? 0), height)
  }
}
