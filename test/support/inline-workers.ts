import type { Begun, BlockWorkers } from '../../src/importer/block-workers.ts'
import { leafBatch, LeafJobs } from '../../src/importer/leaf-jobs.ts'
import { checkedSections, checkSections } from '../../src/importer/section-jobs.ts'

/** Does the jobs itself, one at a time: what workers elsewhere are compared with. */
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
