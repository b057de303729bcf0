import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { blockKey } from '../../../../src/wire/crdt-block.ts'
import { crdtBlocks } from '../../../../src/consensus/crdt/maintenance.ts'
import { CrdtStore } from '../../../../src/consensus/crdt/crdt-store.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import type { Datastore } from '../../../../src/datastore/datastore.ts'
import { countedDigest } from '../../../support/counted-digest.ts'
import { crdtPeer } from '../../../support/crdt-peer.ts'
import type { CrdtPeer } from '../../../support/crdt-peer.ts'
import { cidFor, jsonText, listedPins, namesByCid, pinFor } from '../../../support/pins.ts'
import { SimClock } from '../../../support/sim-clock.ts'
import { SimDisk } from '../../../support/sim-disk.ts'
import type { LastBatch } from '../../../support/sim-disk.ts'

type Names = Map<string, string | undefined>

/** Makes changes one after the other until the power goes; `acknowledged` and `attempted` tell what must and what may be there. */
async function work (peer: CrdtPeer, acknowledged: Names, attempted: Map<string, Set<string | undefined>>): Promise<void> {
  const attempt = async (text: string, name: string | undefined): Promise<void> => {
    attempted.set(text, (attempted.get(text) ?? new Set([acknowledged.get(text)])).add(name))
    await (name == null ? peer.consensus.remove(cidFor(text)) : peer.consensus.put(pinFor(text, { name })))
    acknowledged.set(text, name)
    attempted.set(text, new Set([name]))
  }
  await attempt('one', 'first')
  await Promise.all([attempt('two', 'first'), attempt('three', 'first')])
  await attempt('one', 'second')
  await Promise.all([attempt('two', undefined), attempt('four', 'first')])
  await attempt('two', 'back')
  await attempt('one', undefined)
}

/** What must hold of any disk: rows, values and counter agree, and heads are the true tips. */
async function assertConsistent (peer: CrdtPeer): Promise<void> {
  const pins = await listedPins(peer.consensus.state)
  assert.equal(peer.consensus.state.size(), pins.length)
  assert.equal((await jsonText(peer.consensus.state)).split('\n').length - 1, pins.length)
  assert.deepEqual(peer.consensus.progress().heads.map(blockKey).toSorted(), await tips(peer.datastore))
  const { pins: pairs, digest } = peer.consensus.digests.point() ?? {}
  assert.deepEqual({ pins: pairs, digest }, await countedDigest(peer.datastore))
}

async function tips (datastore: Datastore): Promise<string[]> {
  const store = new CrdtStore({ datastore, log: silentLogger })
  await store.load()
  const linked = new Set<string>()
  const here: string[] = []
  for await (const block of crdtBlocks(datastore)) {
    here.push(blockKey(block.cid))
    for (const link of block.links) {
      linked.add(blockKey(link))
      assert.ok(store.isHere(blockKey(link)) || store.missing.has(blockKey(link)), 'a missing link is on record')
    }
  }
  return here.filter(id => !linked.has(id)).toSorted()
}

/** Runs until the disk dies at that write; false when the work ended before. */
async function runUntilCrash (disk: SimDisk, atWrite: number, last: LastBatch, batching: boolean): Promise<{
  acknowledged: Names, attempted: Map<string, Set<string | undefined>>, died: boolean
}> {
  const clock = new SimClock()
  const limits = batching
    ? { maxBatchSize: 2, maxBatchAgeMs: 1000, maxQueueSize: 100 }
    : { maxBatchSize: 0, maxBatchAgeMs: 0, maxQueueSize: 100 }
  const peer = crdtPeer({ datastore: disk.datastore(), clock, batching: limits })
  const [acknowledged, attempted] = [new Map<string, string | undefined>(), new Map<string, Set<string | undefined>>()]
  disk.crashAtWrite(atWrite, last)
  const run = { done: false }
  peer.start().then(async () => work(peer, acknowledged, attempted)).then(() => { run.done = true }, () => {})
  for (let turn = 0; turn < 200 && !run.done && !disk.dead; turn++) await nextTurn()
  return { acknowledged, attempted, died: disk.dead }
}

for (const batching of [false, true]) {
  for (const last of ['lost', 'kept'] as const) {
    describe(`a crash ${batching ? 'with batching' : 'without batching'}, the last write ${last}`, () => {
      it('never loses an acknowledged change and leaves a consistent store, at every write', async () => {
        for (let atWrite = 1; ; atWrite++) {
          const disk = new SimDisk()
          const { acknowledged, attempted, died } = await runUntilCrash(disk, atWrite, last, batching)
          if (!died) { assert.ok(atWrite > 6, 'crashes were tried'); break }
          const peer = crdtPeer({ datastore: disk.datastore() })
          await peer.start()
          await peer.consensus.put(pinFor('after'))

          await assertConsistent(peer)
          const names = await namesByCid(peer.consensus.state)
          for (const text of attempted.keys()) {
            const name = names[cidFor(text).toString()]
            assert.ok(attempted.get(text)?.has(name), `write ${atWrite}: ${text} is ${name}, acknowledged was ${acknowledged.get(text)}`)
          }
          await peer.stop()
        }
      })
    })
  }
}
