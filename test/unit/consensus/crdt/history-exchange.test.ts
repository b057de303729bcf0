import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../../src/base/log.ts'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import type { PeerId } from '../../../../src/model/cid.ts'
import { historyClient, historyClientDefaults } from '../../../../src/network/history/client.ts'
import { historyServer, historyServerDefaults } from '../../../../src/network/history/server.ts'
import { crdtTopic, encodeHeads } from '../../../../src/wire/broadcast.ts'
import type { CrdtBlock } from '../../../../src/wire/crdt-block.ts'
import { randomDag, tipsOf } from '../../../support/crdt-dag.ts'
import { clusterName, crdtPeer } from '../../../support/crdt-peer.ts'
import type { CrdtPeer, CrdtPeerInit } from '../../../support/crdt-peer.ts'
import { MemoryStreams } from '../../../support/memory-streams.ts'
import { cidFor, namesByCid, pinFor } from '../../../support/pins.ts'
import { SeededRandom, SimClock } from '../../../support/sim-clock.ts'
import { SimGossip } from '../../../support/sim-gossip.ts'

const signal = new AbortController().signal

describe('peers that give each other their history', () => {
  it('come to the same pins and heads as one that walks, whatever they had before', async () => {
    for (let seed = 0; seed < 12; seed++) {
      const random = new SeededRandom(seed)
      const blocks = randomDag(random, 50)
      const whole = await peerWith(blocks, tipsOf(blocks))
      const part = blocks[Math.floor(random.float() * blocks.length)] as CrdtBlock
      const net = new MemoryStreams()
      const clock = new SimClock()
      const server = historyServer(historyServerDefaults, { streams: net.of('whole'), source: whole.consensus, clock, log: silentLogger })
      await server.start(signal)
      let tell = (_peer: PeerId, _isHere: boolean): void => {}
      const asking = historyClient(historyClientDefaults, {
        streams: net.of('fresh'), clock, onPeer: listener => { tell = listener; return () => {} }
      })
      const fresh = await peerWith(blocks, [part.cid], { clock, history: asking })
      await fresh.consensus.put(pinFor('mine'))

      tell('whole', true)
      await settled(() => blocks.every(({ cid }) => fresh.consensus.hasBlock(cid)))

      const [theirs, ours] = [await namesByCid(whole.consensus.state), await namesByCid(fresh.consensus.state)]
      assert.deepEqual(ours, { ...theirs, [cidFor('mine').toString()]: 'mine' }, `seed ${seed}`)
      assert.deepEqual([fresh.consensus.progress().dirty, fresh.consensus.progress().behind], [false, false])
      await Promise.all([fresh.stop(), whole.stop(), server.stop()])
    }
  })
})

/** A peer that has walked these heads. */
async function peerWith (
  blocks: readonly CrdtBlock[], heads: readonly CrdtBlock['cid'][], init: Partial<CrdtPeerInit> = {}
): Promise<CrdtPeer> {
  const clock = new SimClock()
  const gossip = new SimGossip({ maxDelayMs: 0, loss: 0 }, { clock, random: new SeededRandom(1) })
  const bytes = new Map(blocks.map(block => [block.cid.toString(), block.bytes]))
  gossip.join('writer', cid => bytes.get(cid.toString()))
  const peer = crdtPeer({ datastore: memoryDatastore(), clock, ...gossip.join('self', () => undefined), ...init })
  await peer.start()
  gossip.inject({ from: 'writer', data: encodeHeads(heads) }, crdtTopic(clusterName))
  await clock.until(() => heads.every(cid => peer.consensus.hasBlock(cid)) && !peer.consensus.progress().behind)
  return peer
}

/** Lets promises run until the condition holds. */
async function settled (condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000; turn++) {
    if (condition()) return
    await new Promise(resolve => setImmediate(resolve))
  }
  throw new Error('the condition does not hold')
}
