import type { Datastore } from '../../../datastore/datastore.ts'
import type { CID } from '../../../model/cid.ts'
import type { GroupQuestion, KeyDigest, KeyGroup, PartsOptions, PinsetDigests, PinsetPoint } from '../../pinset-digest.ts'
import * as layout from '../layout.ts'
import { decodeValueRecord } from '../value-record.ts'
import { cellOf } from './cells.ts'
import { pinsIn, sumIn } from './digest-sums.ts'
import { add, pairVector, shortDigest, vectorWords } from './pair-vector.ts'
import type { Vector } from './pair-vector.ts'
import type { RunningDigest } from './running-digest.ts'

export interface CrdtDigestsDeps {
  datastore: Pick<Datastore, 'entries'>
  digest: Pick<RunningDigest, 'total' | 'cells'>
  /** The heads, and whether nothing under them is known to be missing. */
  edge: () => { heads: CID[], isComplete: boolean }
}

/** The digest of this peer's pinset and of its parts. Cells are in memory; what lies below is read from the disk, a cell at a time. */
export class CrdtDigests implements PinsetDigests {
  readonly #deps: CrdtDigestsDeps

  constructor (deps: CrdtDigestsDeps) { this.#deps = deps }

  point (): PinsetPoint | undefined {
    const total = this.#deps.digest.total()
    return total == null ? undefined : { ...total, ...this.#deps.edge() }
  }

  async cells (): Promise<KeyGroup[]> {
    const cells = [...this.#deps.digest.cells() ?? []].toSorted(([one], [other]) => one < other ? -1 : 1)
    return cells.map(([prefix, cell]) => ({ prefix, pins: pinsIn(cell), digest: shortDigest(sumIn(cell)) }))
  }

  async groups (questions: readonly GroupQuestion[], options: PartsOptions = {}): Promise<KeyGroup[]> {
    const found: KeyGroup[] = []
    for (const { prefix, depth } of questions) {
      const groups = new Map<string, { pins: number, sum: Vector }>()
      for await (const [key, vector] of this.#pairs(prefix, options)) {
        const name = key.slice(0, depth)
        const group = groups.get(name) ?? { pins: 0, sum: new Uint32Array(vectorWords) }
        group.pins++
        add(group.sum, vector)
        groups.set(name, group)
      }
      for (const [name, { pins, sum }] of groups) found.push({ prefix: name, pins, digest: shortDigest(sum) })
    }
    return found
  }

  async keys (prefixes: readonly string[], options: PartsOptions = {}): Promise<KeyDigest[]> {
    const found: KeyDigest[] = []
    for (const prefix of prefixes) for await (const [key, vector] of this.#pairs(prefix, options)) found.push({ key, digest: shortDigest(vector) })
    return found
  }

  /** Pairs below a prefix; without those of cells that are named by more characters, and asked for by themselves. */
  async * #pairs (prefix: string, options: PartsOptions): AsyncGenerator<[key: string, vector: Vector]> {
    const from = layout.valueRecord(prefix)
    for await (const rows of this.#deps.datastore.entries({ from, before: `${from}\x7f` }, options)) {
      for (const [record, bytes] of rows) {
        const key = layout.keyOf(record)
        const value = decodeValueRecord(bytes).version?.value
        if (value != null && cellOf(key).length <= prefix.length) yield [key, pairVector(key, value)]
      }
    }
  }
}
