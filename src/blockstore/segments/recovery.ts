import type { Logger } from '../../base/log.ts'
import type { BlockIndex } from './block-index.ts'
import type { IndexChange } from './index-change.ts'
import type { Place, SegmentRow } from './place.ts'
import { goingSizeBytes, noSegmentRow } from './place.ts'
import { recordLength } from './record.ts'
import type { Finding } from './scan.ts'
import { scanRecords } from './scan.ts'
import type { SegmentFolder } from './segment-folder.ts'

export interface RecoveryDeps { index: BlockIndex, folder: SegmentFolder, log: Logger }

/** `lostBlocks`: how many the index knew that aren't there. `missing`: segments without a file, which nothing may be written to. */
export interface Recovered { lostBlocks: number, missing: ReadonlySet<number> }

/** Bytes of a segment whose records are gone although the index may know them. */
export interface LostRange { segment: number, from: number, before: number }

/**
 * Makes index and segments agree after a stop that wasn't clean. Reads only what was written after the last sync of each segment:
 *
 * - whole records that the index doesn't know yet are entered, half-written ones cut off;
 * - blocks that the index knows but that are not there (power loss, damage) are taken out of it, which costs a walk over the index;
 * - segments unknown to the index (it was moved away), and those whose file is back, are entered whole.
 */
export async function recover (deps: RecoveryDeps, signal?: AbortSignal): Promise<Recovered> {
  const sizes = await deps.folder.list()
  const lost: LostRange[] = []
  const missing = new Set<number>()
  let damaged = 0
  const again = async (suspect: Suspect): Promise<void> => {
    const found = await rescan(deps, suspect, signal)
    lost.push(...found.lost)
    damaged += found.damaged
  }
  for (const [id, row] of deps.index.segments()) {
    if (row.sizeBytes === goingSizeBytes) await finishRemoval(deps, id)
    else if (!sizes.has(id)) {
      missing.add(id)
      if (row.sizeBytes > 0 || row.liveBlocks > 0) lost.push(await forgetSegment(deps, id))
    }
    else if (sizes.get(id) !== row.syncedBytes || row.sizeBytes !== row.syncedBytes) await again({ id, row, fileBytes: sizes.get(id) ?? 0 })
    sizes.delete(id)
  }
  for (const [id, fileBytes] of sizes) await again({ id, row: noSegmentRow, fileBytes })
  return { lostBlocks: damaged + (lost.length > 0 ? await forgetLost(deps, lost) : 0), missing }
}

/** The file of a segment is gone while the store runs: its blocks are taken out of the index. Resolves with their number. */
export async function forgetMissing (deps: RecoveryDeps, id: number): Promise<number> {
  return await forgetLost(deps, [await forgetSegment(deps, id)])
}

/** Ends the removal of a segment without live blocks: first the file, then (the folder synced) its row. */
export async function finishRemoval ({ folder, index }: Pick<RecoveryDeps, 'folder' | 'index'>, id: number): Promise<void> {
  await folder.remove(id)
  await folder.syncNames()
  await index.write(change => { change.dropSegment(id) })
}

/** Takes all blocks out of the index whose records touch one of the ranges. Resolves with their number. */
export async function forgetLost ({ index, log }: Pick<RecoveryDeps, 'index' | 'log'>, lost: readonly LostRange[]): Promise<number> {
  let blocks = 0
  for await (const rows of index.places()) {
    const gone = rows.filter(row => lost.some(range => touches(row.place, row.multihash.length, range)))
    if (gone.length === 0) continue
    blocks += gone.length
    await index.write(change => { for (const { multihash, place } of gone) change.deleteAt(multihash, place) })
  }
  if (blocks > 0) log.error('blocks are lost: their segments are damaged', { blocks, segments: lost.length })
  return blocks
}

function touches (place: Place, multihashLength: number, range: LostRange): boolean {
  return place.segment === range.segment && place.offset < range.before &&
    place.offset + recordLength(multihashLength, place.length) > range.from
}

/** Its row stays: no other segment gets its number, and a file that comes back is read whole. */
async function forgetSegment ({ index, log }: RecoveryDeps, id: number): Promise<LostRange> {
  log.warn('a segment is missing', { segment: id })
  await index.write(change => change.setSegment(id, { sizeBytes: 0, syncedBytes: 0 }))
  return { segment: id, from: 0, before: Infinity }
}

interface Suspect { id: number, row: Readonly<SegmentRow>, fileBytes: number }

/** `damaged`: blocks that were known and are damaged. */
async function rescan (deps: RecoveryDeps, suspect: Suspect, signal?: AbortSignal): Promise<{ lost: LostRange[], damaged: number }> {
  const { id, row, fileBytes } = suspect
  const from = Math.min(row.syncedBytes, fileBytes)
  const entry = new Entry(deps.index, suspect)
  await deps.folder.use(id, async file => {
    for await (const finding of scanRecords(file, { from, to: fileBytes })) {
      signal?.throwIfAborted()
      await entry.take(finding)
    }
    await entry.flush()
    if (entry.end < fileBytes) await file.truncate(entry.end)
  })
  const end = entry.end
  await deps.index.write(change => change.setSegment(id, { sizeBytes: end, syncedBytes: from }))
  deps.log.info('a segment was read again after an unclean stop', { segment: id, fromBytes: from, toBytes: end, entered: entry.entered })
  if (entry.damaged > 0) deps.log.error('blocks are damaged and are not here any more', { segment: id, blocks: entry.damaged })
  return { lost: end < row.sizeBytes ? [...entry.lost, { segment: id, from: end, before: Infinity }] : entry.lost, damaged: entry.damaged }
}

/** Enters what a scan finds into the index, some at a time. */
class Entry {
  readonly #index: BlockIndex
  readonly #suspect: Suspect
  #changes: Array<(change: IndexChange) => void> = []
  readonly lost: LostRange[] = []
  /** The end of the last record. */
  end: number
  entered = 0
  /** Known blocks whose bytes are damaged. */
  damaged = 0

  constructor (index: BlockIndex, suspect: Suspect) {
    this.#index = index
    this.#suspect = suspect
    this.end = Math.min(suspect.row.syncedBytes, suspect.fileBytes)
  }

  async take (finding: Finding): Promise<void> {
    const { id, row } = this.#suspect
    if (finding.kind === 'gap') {
      const isTail = finding.end >= this.#suspect.fileBytes
      if (!isTail && finding.offset < row.sizeBytes) this.lost.push({ segment: id, from: finding.offset, before: finding.end })
      return
    }
    const multihash = new Uint8Array(finding.multihash)
    const place: Place = { segment: id, offset: finding.offset, length: finding.payload.length }
    this.end = finding.offset + recordLength(multihash.length, place.length)
    if (!finding.intact) this.#changes.push(change => { if (change.deleteAt(multihash, place)) this.damaged++ })
    // What lies below and isn't in the index was deleted.
    else if (finding.offset >= row.sizeBytes) this.#enter(multihash, place)
    if (this.#changes.length >= 1000) await this.flush()
  }

  async flush (): Promise<void> {
    const changes = this.#changes
    this.#changes = []
    if (changes.length > 0) await this.#index.write(change => { for (const apply of changes) apply(change) })
  }

  #enter (multihash: Uint8Array, place: Place): void {
    this.entered++
    this.#changes.push(change => change.put(multihash, place))
  }
}
