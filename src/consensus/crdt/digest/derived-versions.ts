import { isSameVersion } from '../value-record.ts'
import type { Datastore, Write } from '../../../datastore/datastore.ts'
import { cidOfBlockKey, decodeCrdtBlock, isBlockKey } from '../../../wire/crdt-block.ts'
import type { Delta } from '../../../wire/delta.ts'
import * as layout from '../layout.ts'
import { bestVersion } from '../merge.ts'
import { isIntact } from '../repair.ts'
import type { ValueRecord, Version } from '../value-record.ts'

/** What all blocks say of a key: by block the height and the values, and which versions are void. */
interface Sayings { versions: Map<string, { priority: number, values: Uint8Array[] }>, voids: Set<string> }

export interface DerivedDeps { datastore: Pick<Datastore, 'get' | 'entries' | 'keys'>, record: (key: string) => ValueRecord }

/** Collects what the blocks of the DAG say of some keys, and what these keys' values have to be. */
export class DerivedVersions {
  readonly #deps: DerivedDeps
  readonly #said: Map<string, Sayings>

  constructor (keys: Iterable<string>, deps: DerivedDeps) {
    this.#deps = deps
    this.#said = new Map([...keys].map(key => [key, { versions: new Map(), voids: new Set<string>() }]))
  }

  /** Reads all blocks; damaged ones say nothing. */
  async read (signal: AbortSignal | undefined): Promise<void> {
    for await (const rows of this.#deps.datastore.entries(layout.allBlocks, signal == null ? {} : { signal })) {
      for (const [record, bytes] of rows) {
        const id = layout.idOf(record)
        if (isBlockKey(id) && isIntact(id, bytes)) this.#hear(id, decodeCrdtBlock(cidOfBlockKey(id), bytes).delta)
      }
    }
  }

  /**
   * The keys whose stored value isn't what the blocks say, with what it has to be, and the records that they stand on. Blocks that were
   * merged since `read` count by their records.
   */
  async wrong (): Promise<{ versions: Map<string, Version | undefined>, records: Write[] }> {
    const found = { versions: new Map<string, Version | undefined>(), records: [] as Write[] }
    for (const [key, said] of this.#said) {
      await this.#hearRecords(key, said)
      const version = this.#best(key, said)
      const { version: stored } = this.#deps.record(key)
      if (isSameVersion(version, stored)) continue
      found.versions.set(key, version)
      for (const id of said.voids) {
        found.records.push(
          { key: layout.tombstoneRecord(key, id), value: new Uint8Array(0) }, { key: layout.elementRecord(key, id), value: undefined }
        )
      }
      for (const [id, { priority }] of said.versions) {
        if (!said.voids.has(id)) found.records.push({ key: layout.elementRecord(key, id), value: layout.numberBytes(priority) })
      }
    }
    return found
  }

  #hear (id: string, { elements, tombstones, priority }: Delta): void {
    for (const { key, id: void_ } of tombstones) if (isBlockKey(void_)) this.#said.get(key)?.voids.add(void_)
    for (const { key, value } of elements) {
      const versions = this.#said.get(key)?.versions
      const known = versions?.get(id)
      if (known == null) versions?.set(id, { priority, values: [value.slice()] })
      else known.values.push(value.slice())
    }
  }

  async #hearRecords (key: string, said: Sayings): Promise<void> {
    const { datastore } = this.#deps
    for await (const records of datastore.keys(layout.tombstonesOf(key))) for (const record of records) said.voids.add(layout.idOf(record))
    for await (const rows of datastore.entries(layout.elementsOf(key))) {
      for (const [record] of rows) {
        const id = layout.idOf(record)
        const bytes = said.versions.has(id) ? undefined : datastore.get(layout.blockRecord(id))
        if (bytes != null && isIntact(id, bytes)) this.#hear(id, decodeCrdtBlock(cidOfBlockKey(id), bytes).delta)
      }
    }
  }

  /** The best version that isn't void. Of several values in one block the stored one is what every peer chose. */
  #best (key: string, { versions, voids }: Sayings): Version | undefined {
    const live = [...versions].filter(([id]) => !voids.has(id)).map(([, version]) => version)
    const height = live.reduce((highest, { priority }) => Math.max(highest, priority), 0)
    const highest = live.filter(({ priority }) => priority === height)
    const { version: stored } = this.#deps.record(key)
    const isAmbiguous = highest.some(({ values }) => values.length > 1)
    if (isAmbiguous && stored?.priority === height && highest.some(
      ({ values }) => values.some(value => Buffer.compare(value, stored.value) === 0)
    )) return stored
    return bestVersion(highest.flatMap(({ priority, values }) => values.map(value => ({ priority, value }))))
  }
}
