import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { valueRecord } from '../../../../src/consensus/crdt/layout.ts'
import { pinKey } from '../../../../src/wire/pin-key.ts'
import type { CrdtPeer } from '../../../support/crdt-peer.ts'
import { crdtPeer } from '../../../support/crdt-peer.ts'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import { NotedLogger } from '../../../support/noted-logger.ts'
import { cidFor, pinFor } from '../../../support/pins.ts'

const spoilt = { record: Buffer.from([0xff, 0xff]), pin: Buffer.from([0x08, 0x01, 0x12, 0x02, 0xff, 0xff]) }

/** A peer that starts with three pins, of which the second is spoilt on the disk. */
async function peerWith (bytes: Uint8Array): Promise<{ peer: CrdtPeer, log: NotedLogger }> {
  const datastore = memoryDatastore()
  const before = crdtPeer({ datastore })
  await before.start()
  for (const name of ['a', 'b', 'c']) await before.consensus.put(pinFor(name))
  await datastore.write([{ key: valueRecord(pinKey(cidFor('b'))), value: bytes }])
  const log = new NotedLogger()
  const peer = crdtPeer({ datastore, log })
  await peer.start()
  return { peer, log }
}

async function listed ({ consensus }: CrdtPeer, options: { whole?: boolean } = {}): Promise<string[]> {
  const cids: string[] = []
  for await (const pins of consensus.state.pins(options)) cids.push(...pins.map(({ cid }) => cid.toString()))
  return cids.toSorted()
}

const cids = (...names: string[]): string[] => names.map(name => cidFor(name).toString()).toSorted()

describe('a pin that can not be read from the disk', () => {
  for (const [what, bytes] of Object.entries(spoilt)) {
    it(`is left out of lists, named once in the log, and damage for who asks how the peer is (its ${what})`, async () => {
      const { peer, log } = await peerWith(bytes)

      const lists = [await listed(peer), await listed(peer)]

      assert.deepEqual(lists, [cids('a', 'c'), cids('a', 'c')])
      assert.equal(log.lines.filter(({ level, facts }) => level === 'error' && facts.cid === cidFor('b').toString()).length, 1)
      assert.equal(peer.consensus.progress().damaged, true)
    })

    it(`is no pin that is gone: nobody removes for want of it (its ${what})`, async () => {
      const { peer } = await peerWith(bytes)

      await assert.rejects(listed(peer, { whole: true }), { code: 'INVALID_DATA' })
      assert.throws(() => peer.consensus.state.get(cidFor('b')), { code: 'INVALID_DATA' })
      assert.equal(peer.consensus.state.has(cidFor('b')), true)
    })

    it(`counts once, also when it is written again or removed (its ${what})`, async () => {
      const { peer } = await peerWith(bytes)
      const { state } = peer.consensus

      const sizes = [state.size()]
      await peer.consensus.put(pinFor('b', { name: 'again' }))
      sizes.push(state.size())
      const other = (await peerWith(bytes)).peer
      await other.consensus.remove(cidFor('b'))
      sizes.push(other.consensus.state.size())

      assert.deepEqual(sizes, [3, 3, 2])
    })

    it(`is there again once it is written (its ${what})`, async () => {
      const { peer } = await peerWith(bytes)
      await listed(peer)

      await peer.consensus.put(pinFor('b', { name: 'again' }))

      assert.deepEqual(await listed(peer), cids('a', 'b', 'c'))
      assert.equal(peer.consensus.progress().damaged, false)
    })
  }
})
