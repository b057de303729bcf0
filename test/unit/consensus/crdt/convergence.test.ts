import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PinsetChange } from '../../../../src/consensus/consensus.ts'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import { crdtPeer, noBatching } from '../../../support/crdt-peer.ts'
import type { CrdtPeer } from '../../../support/crdt-peer.ts'
import { cidFor, jsonText, namesByCid, pinFor } from '../../../support/pins.ts'
import { SeededRandom, SimClock } from '../../../support/sim-clock.ts'
import { SimGossip } from '../../../support/sim-gossip.ts'

const names = ['a', 'b', 'c']

interface World { clock: SimClock, random: SeededRandom, gossip: SimGossip, peers: CrdtPeer[], shown: Array<Map<string, string>> }

async function world (seed: number): Promise<World> {
  const clock = new SimClock()
  const random = new SeededRandom(seed)
  const gossip = new SimGossip({ maxDelayMs: 300, loss: 0.3 }, { clock, random })
  const peers = names.map(self => {
    let peer: CrdtPeer | undefined
    const places = gossip.join(self, cid => peer?.consensus.getBlock(cid))
    peer = crdtPeer({
      self, datastore: memoryDatastore(), clock, ...places,
      batching: self === 'c' ? { maxBatchSize: 3, maxBatchAgeMs: 400, maxQueueSize: 100 } : noBatching
    })
    return peer
  })
  const shown = peers.map(peer => {
    const pins = new Map<string, string>()
    peer.consensus.onChange((changes: readonly PinsetChange[]) => {
      for (const { cid, pin } of changes) {
        if (pin == null) pins.delete(cid.toString())
        else pins.set(cid.toString(), pin.name)
      }
    })
    return pins
  })
  for (const peer of peers) await peer.start()
  return { clock, random, gossip, peers, shown }
}

/** Random changes on random peers, with partitions now and then. */
async function trouble ({ clock, random, gossip, peers }: World, steps: number): Promise<void> {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.float() * list.length)] as T
  for (let step = 0; step < steps; step++) {
    const peer = pick(peers)
    const text = `pin ${Math.floor(random.float() * 12)}`
    const change = random.float() < 0.6 ? peer.consensus.put(pinFor(text, { name: `name ${step}` })) : peer.consensus.remove(cidFor(text))
    if (random.float() < 0.1) gossip.cut.add(`${pick(names)} ${pick(names)}`)
    if (random.float() < 0.1) gossip.cut.clear()
    await clock.advance(random.float() * 200)
    await change
  }
  gossip.cut.clear()
}

/** Rebroadcasts until nobody is behind and the heads are the same. */
async function settle ({ clock, peers }: World): Promise<void> {
  for (let round = 0; round < 40; round++) {
    for (const peer of peers) for (const worker of peer.workers) await worker.work(new AbortController().signal)
    await clock.advance(5000)
    const heads = new Set(peers.map(({ consensus }) => consensus.progress().heads.map(String).toSorted().join()))
    if (heads.size === 1 && peers.every(({ consensus }) => !consensus.progress().behind)) return
  }
  assert.fail('the replicas do not settle')
}

describe('three replicas over a bad network', () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    it(`end with the same pinset (seed ${seed})`, async () => {
      const all = await world(seed)

      await trouble(all, 60)
      await settle(all)

      const pinsets = await Promise.all(all.peers.map(async ({ consensus }) => namesByCid(consensus.state)))
      assert.deepEqual(pinsets[1], pinsets[0])
      assert.deepEqual(pinsets[2], pinsets[0])
      const texts = await Promise.all(all.peers.map(async ({ consensus }) => jsonText(consensus.state)))
      assert.equal(new Set(texts).size, 1)
      for (const [at, shown] of all.shown.entries()) {
        assert.deepEqual(
          Object.fromEntries([...shown].toSorted()), Object.fromEntries(Object.entries(pinsets[at] ?? {}).toSorted()),
          'the changes add up to the pinset'
        )
        assert.equal(all.peers[at]?.consensus.state.size(), shown.size)
      }
      for (const peer of all.peers) await peer.stop()
    })
  }
})
