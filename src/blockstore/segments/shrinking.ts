import { Copier } from './compaction.ts'
import type { CompactionDeps, CompactionInit } from './compaction.ts'
import type { BlockIndex } from './block-index.ts'
import type { SegmentFile } from './files.ts'
import type { SegmentRow } from './place.ts'
import { goingSizeBytes, samePlace } from './place.ts'
import { recordLength } from './record.ts'
import { forgetLost } from './recovery.ts'
import { scanRecords } from './scan.ts'

export interface ShrinkingInit extends Pick<CompactionInit, 'copyBytes'> {
  /** What may be copied before something is given back. */
  budgetBytes: number
}

/**
 * On a full disk: the segment with the smallest share of live bytes, which gives most for what is copied; undefined when none has
 * `worthBytes` dead ones.
 */
export function pickCheapest (segments: ReadonlyMap<number, Readonly<SegmentRow>>, worthBytes: number): number | undefined {
  let best: { id: number, liveShare: number } | undefined
  for (const [id, row] of segments) {
    const isGoing = row.sizeBytes === goingSizeBytes
    if (!isGoing && row.sizeBytes - row.liveBytes < worthBytes) continue
    const liveShare = isGoing ? 0 : row.liveBytes / row.sizeBytes
    if (best == null || liveShare < best.liveShare) best = { id, liveShare }
  }
  return best?.id
}

/**
 * Gives back the end of a segment whose live bytes don't fit on the disk a second time: copies what lives there, at most `budgetBytes`, and
 * cuts the file. Resolves with the bytes that were cut off. Reads go on meanwhile; broken off anywhere it loses nothing, as compaction.
 */
export async function shrinkSegment (id: number, init: ShrinkingInit, deps: CompactionDeps, signal: AbortSignal): Promise<number> {
  const { index, appender, folder, log } = deps
  appender.leaveSegment(id)
  await appender.append({ blocks: [], apply: () => {} })
  const sizeBytes = index.segments().get(id)?.sizeBytes ?? 0
  const { cut, kept } = await folder.use(id, async file => cutOf(file, { id, sizeBytes, budgetBytes: init.budgetBytes, index }, signal))
  if (cut >= sizeBytes) return 0
  await copyFrom(cut, { id, sizeBytes, copyBytes: init.copyBytes }, deps, signal)
  await deps.sync()
  if ((index.segments().get(id)?.liveBlocks ?? 0) > kept) await forgetLost(deps, [{ segment: id, from: cut, before: Infinity }])
  // before the file: what a crash leaves behind the cut is read again and enters only what is nowhere else
  await index.write(change => change.setSegment(id, { sizeBytes: cut, syncedBytes: cut }), { sync: true })
  await folder.use(id, async file => file.truncate(cut))
  log.debug('the end of a segment was freed', { segment: id, bytes: sizeBytes - cut })
  return sizeBytes - cut
}

async function copyFrom (
  from: number, { id, sizeBytes, copyBytes }: { id: number, sizeBytes: number, copyBytes: number }, deps: CompactionDeps,
  signal: AbortSignal
): Promise<void> {
  const copier = new Copier(id, { copyBytes }, deps)
  await deps.folder.use(id, async file => {
    for await (const finding of scanRecords(file, { from, to: sizeBytes })) {
      signal.throwIfAborted()
      await copier.take(finding)
    }
  })
  await copier.flush()
}

/** Where to cut: behind the last live record that is too much to copy. `kept`: the live blocks before it. */
async function cutOf (
  file: SegmentFile, { id, sizeBytes, budgetBytes, index }: { id: number, sizeBytes: number, budgetBytes: number, index: BlockIndex },
  signal: AbortSignal
): Promise<{ cut: number, kept: number }> {
  const begins: number[] = []
  const ends: number[] = []
  for await (const finding of scanRecords(file, { from: 0, to: sizeBytes })) {
    signal.throwIfAborted()
    if (finding.kind === 'gap') continue
    const { multihash, offset, payload } = finding
    const place = index.find(multihash)
    if (place == null || !samePlace(place, { segment: id, offset, length: payload.length })) continue
    begins.push(offset)
    ends.push(offset + recordLength(multihash.length, payload.length))
  }
  let kept = ends.length
  for (let bytes = 0; kept > 0; kept--) {
    bytes += (ends[kept - 1] ?? 0) - (begins[kept - 1] ?? 0)
    if (bytes > budgetBytes) break
  }
  return { cut: kept === 0 ? 0 : ends[kept - 1] ?? 0, kept }
}
