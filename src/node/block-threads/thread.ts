/** What a thread for blocks runs. */
import { parentPort } from 'node:worker_threads'
import { Moved, PortCalls } from '../../base/port-calls.ts'
import type { CallPort } from '../../base/port-calls.ts'
import type { LeafJob, SectionJob } from '../../importer/block-workers.ts'
import { LeafJobs } from '../../importer/leaf-jobs.ts'
import { checkSections } from '../../importer/section-jobs.ts'

/** Does the jobs that come by the port, in their order. All large memory goes over and back. */
function serveJobs (port: CallPort): void {
  const jobs = new LeafJobs()
  const calls = {
    leaves: async (job: LeafJob) => {
      const packed = await jobs.run(job)
      return new Moved(packed, packed.spare == null ? [packed.memory] : [packed.memory, packed.spare])
    },
    sections: async (job: SectionJob) => {
      const packed = await checkSections(job)
      return new Moved(packed, [packed.memory])
    }
  }
  // eslint-disable-next-line no-new -- it listens to the port
  new PortCalls(port, { calls, notes: {} })
}

if (parentPort != null) serveJobs(parentPort as unknown as CallPort)
