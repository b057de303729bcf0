import { CID } from 'multiformats/cid'
import type { Begun, BlockWorkers, CheckedSections, LeafBatch } from './block-workers.ts'
import { unpacked } from './block-workers.ts'
import type { PackedLeaves } from './leaf-jobs.ts'
import { LeafJobs } from './leaf-jobs.ts'
import type { PackedSections } from './section-jobs.ts'
import { checkSections } from './section-jobs.ts'

/** Does the jobs itself, one at a time: for machines with one core, and as what workers elsewhere are compared with. */
export function inlineWorkers (): BlockWorkers {
  const jobs = new LeafJobs()
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = async <Result> (run: () => Promise<Result>): Promise<Begun<Result>> => {
    await last.catch(() => {})
    const result = run()
    last = result.catch(() => {}) // not everybody who begins a job takes its result
    return { result }
  }
  return {
    width: 1,
    leaves: async job => inTurn(async () => leafBatch(await jobs.run(job))),
    sections: async job => inTurn(async () => checkedSections(await checkSections(job)))
  }
}

/** What a job's answer means. */
export function leafBatch (packed: PackedLeaves): LeafBatch {
  const leaves = unpacked(packed, CID.decode).map((block, n) => ({ block, fileSize: packed.fileSizes[n] ?? 0 }))
  return { leaves, rest: packed.rest, spare: packed.spare }
}

/** What a job's answer means. */
export const checkedSections = (packed: PackedSections): CheckedSections => ({ blocks: unpacked(packed, CID.decode), bad: packed.bad })
