import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { silentLogger } from '../../../../src/base/log.ts'
import { systemClock } from '../../../../src/base/system.ts'
import { levelDatastore } from '../../../../src/datastore/level/level-datastore.ts'
import { crdtPeer } from '../../../support/crdt-peer.ts'
import { cidFor, listedPins } from '../../../support/pins.ts'

const writer = join(dirname(fileURLToPath(import.meta.url)), '../../../support/crdt-writer.ts')

/** Numbers that the writer acknowledged before it was killed with SIGKILL. */
async function acknowledgedBeforeKill (folder: string, mode: string, count: number): Promise<number[]> {
  const child = spawn(process.execPath, [writer, folder, mode], { stdio: ['ignore', 'pipe', 'inherit'] })
  const numbers: number[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    numbers.push(Number(line))
    if (numbers.length === count) child.kill('SIGKILL')
  }
  if (child.exitCode == null && child.signalCode == null) await once(child, 'exit')
  assert.equal(child.signalCode, 'SIGKILL')
  // the very last line may have been cut off by the kill: only what was read before it counts
  return numbers.slice(0, count)
}

describe('a peer that is killed', () => {
  for (const mode of ['plain', 'batched']) {
    it(`in the middle of puts (${mode}) has every acknowledged pin afterwards`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-kill-'))
      const acknowledged = await acknowledgedBeforeKill(folder, mode, 500)
      const peer = crdtPeer({
        datastore: levelDatastore({ folder, writeBufferBytes: 1 << 20, cacheBytes: 1 << 20 }, { log: silentLogger, clock: systemClock })
      })
      await peer.start()

      const lost = acknowledged.filter(number => !peer.consensus.state.has(cidFor(`pin ${number}`)))

      assert.deepEqual(lost, [])
      assert.equal(peer.consensus.state.size(), (await listedPins(peer.consensus.state)).length)
      await peer.stop()
      await rm(folder, { recursive: true })
    })
  }
})
