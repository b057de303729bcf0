import type { Logger } from '../../base/log.ts'
import type { Appender } from './appender.ts'
import type { BlockIndex } from './block-index.ts'
import type { NewBlock } from './record.ts'
import type { Place, SegmentRow } from './place.ts'
import { goingSizeBytes, samePlace } from './place.ts'
import { recordLength } from './record.ts'
import { finishRemoval, forgetLost } from './recovery.ts'
import type { Finding } from './scan.ts'
import { scanRecords } from './scan.ts'
import type { SegmentFolder } from './segment-folder.ts'

export interface CompactionInit {
  /** A segment is copied away when live records take less than this share of it. 0 to 1. */
  liveShare: number
  /** … and at least so many bytes can be won. */
  worthBytes: number
  /** Bytes that are copied at a time. */
  copyBytes: number
}

export interface CompactionDeps {
  index: BlockIndex
  appender: Appender
  folder: SegmentFolder
  log: Logger
  /** Makes the copies survive a power loss. */
  sync (): Promise<void>
}

/** The segment that gives back the most space; undefined when none is worth it. */
export function pickSegment (
  segments: ReadonlyMap<number, Readonly<SegmentRow>>, { liveShare, worthBytes }: CompactionInit
): number | undefined {
  let best: { id: number, deadBytes: number } | undefined
  for (const [id, row] of segments) {
    const deadBytes = row.sizeBytes - row.liveBytes
    const isWorthIt = row.sizeBytes === goingSizeBytes || (deadBytes >= worthBytes && row.liveBytes < row.sizeBytes * liveShare)
    if (isWorthIt && (best == null || deadBytes > best.deadBytes)) best = { id, deadBytes }
  }
  return best?.id
}

/**
 * Copies what lives in a segment to the end of the last one and removes it. Reads and writes go on meanwhile. May be broken off at any
 * time: what was copied stays copied, the rest comes next time.
 */
export async function compactSegment (id: number, init: CompactionInit, deps: CompactionDeps, signal: AbortSignal): Promise<void> {
  const { index, appender, folder, log } = deps
  const before = index.segments().get(id)
  appender.leaveSegment(id)
  // Behind everything that was written before: now the segment and its part of the index don't grow any more.
  await appender.append({ blocks: [], apply: () => {} })
  const sizeBytes = index.segments().get(id)?.sizeBytes ?? 0
  if ((index.segments().get(id)?.liveBlocks ?? 0) > 0) {
    const copier = new Copier(id, init, deps)
    await folder.use(id, async file => {
      for await (const finding of scanRecords(file, { from: 0, to: sizeBytes })) {
        signal.throwIfAborted()
        await copier.take(finding)
      }
    })
    await copier.flush()
    await deps.sync()
    if ((index.segments().get(id)?.liveBlocks ?? 0) > 0) await forgetLost(deps, [{ segment: id, from: 0, before: Infinity }])
  }
  // Copies made by an earlier try that was broken off must be safe as well.
  else await deps.sync()
  await index.write(change => change.setSegment(id, { sizeBytes: goingSizeBytes, syncedBytes: goingSizeBytes }))
  await finishRemoval(deps, id)
  log.debug('a segment was freed', { segment: id, bytes: before?.sizeBytes, copiedBytes: before?.liveBytes })
}

/** Copies the records that are still their blocks' to the end of the last segment, some at a time. */
export class Copier {
  readonly #id: number
  readonly #init: Pick<CompactionInit, 'copyBytes'>
  readonly #deps: CompactionDeps
  #blocks: NewBlock[] = []
  #places: Place[] = []
  #bytes = 0

  constructor (id: number, init: Pick<CompactionInit, 'copyBytes'>, deps: CompactionDeps) {
    this.#id = id
    this.#init = init
    this.#deps = deps
  }

  async take (finding: Finding): Promise<void> {
    // Blocks in damaged stretches are dealt with at the end: they are what still lives then.
    if (finding.kind === 'gap' || !finding.intact) return
    const place: Place = { segment: this.#id, offset: finding.offset, length: finding.payload.length }
    const now = this.#deps.index.find(finding.multihash)
    if (now == null || !samePlace(now, place)) return
    this.#blocks.push({ multihash: new Uint8Array(finding.multihash), bytes: new Uint8Array(finding.payload) })
    this.#places.push(place)
    this.#bytes += recordLength(finding.multihash.length, place.length)
    if (this.#bytes >= this.#init.copyBytes) await this.flush()
  }

  async flush (): Promise<void> {
    const blocks = this.#blocks
    const from = this.#places
    if (blocks.length === 0) return
    this.#blocks = []
    this.#places = []
    this.#bytes = 0
    await this.#deps.appender.append({
      blocks,
      apply: (change, to) => {
        for (const [n, { multihash }] of blocks.entries()) {
          const [old, copy] = [from[n], to[n]]
          if (old != null && copy != null) change.move(multihash, { from: old, to: copy })
        }
      }
    })
  }
}
