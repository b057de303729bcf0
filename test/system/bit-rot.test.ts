import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { makeGolden } from '../rot/golden.ts'
import type { Golden } from '../rot/golden.ts'
import { ownProcess, thisProcess } from '../rot/peer-run.ts'
import { rotTrial, trialText } from '../rot/trial.ts'
import { quietMs } from '../support/poll.ts'

/** A few of what `npm run rot` does thousands of times. */
describe('a damaged place in a peer\'s folder', { timeout: quietMs(120_000) }, () => {
  let folder: string
  let golden: Golden
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-rot-'))
    golden = await makeGolden({ folder, filesPerStart: 2 })
  })
  after(async () => rm(folder, { recursive: true, force: true }))

  for (const seed of [1, 2, 3]) {
    it(`loses nothing without a word and ends no start for ever (seed ${seed})`, async () => {
      const result = await rotTrial({ seed, folder: join(folder, 'trial'), run: seed === 1 ? ownProcess : thisProcess }, golden)

      assert.notEqual(result.outcome, 'fault', trialText(result))
    })
  }
})
