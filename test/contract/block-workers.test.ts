import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import { inlineWorkers } from '../support/inline-workers.ts'
import { unixfsImporter } from '../../src/importer/unixfs-importer.ts'
import { blockThreads } from '../../src/node/block-threads/block-threads.ts'
import { fileEntry, dagParams, sha256Counter } from '../support/add-vectors.ts'
import { eachOf } from '../support/imports.ts'
import { blockWorkersContract } from './block-workers.ts'

const never = new AbortController().signal

blockWorkersContract('in line', async () => ({ workers: inlineWorkers(), close: async () => {} }))
blockWorkersContract('on threads', async () => {
  const threads = blockThreads({ threads: 2 }, { clock: systemClock, log: silentLogger })
  await threads.start(never)
  return { workers: threads, close: async () => threads.stop() }
})

describe('an upload on threads', () => {
  it('ends with an error when the peer stops in the middle of it', async () => {
    const threads = blockThreads({ threads: 1 }, { clock: systemClock, log: silentLogger })
    const importer = unixfsImporter({ largeBytes: 1000 }, { workers: threads })
    let isStopped = false
    const sink = {
      write: async () => {
        if (isStopped) return
        isStopped = true
        await threads.stop()
      }
    }

    const importing = Array.fromAsync(
      importer(eachOf([fileEntry('f', sha256Counter('stop', 20_000_000))]), dagParams(), sink, { wrap: false, progress: false })
    )

    await assert.rejects(importing, /stopped|ended/)
  })
})
