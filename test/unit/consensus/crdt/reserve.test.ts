import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError } from '../../../../src/base/errors.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { WorkerRunner } from '../../../../src/base/worker.ts'
import { crdtConsensus } from '../../../../src/consensus/crdt/crdt-consensus.ts'
import { DigestKey } from '../../../../src/consensus/crdt/digest/digest-key.ts'
import type { WriteOptions } from '../../../../src/datastore/datastore.ts'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import { offlineBroadcast, offlineExchange } from '../../../../src/network/offline/offline.ts'
import { crdtPeer } from '../../../support/crdt-peer.ts'
import { pinFor } from '../../../support/pins.ts'
import { SeededRandom, SimClock } from '../../../support/sim-clock.ts'

describe('consensus on a full disk', () => {
  it('removes with the reserve, and takes no new pins while that is given up', async () => {
    const clock = new SimClock()
    const datastore = memoryDatastore()
    await datastore.start(new AbortController().signal)
    const written: WriteOptions[] = []
    const write = datastore.write.bind(datastore)
    datastore.write = async (batch, options = {}) => {
      written.push(options)
      return write(batch, options)
    }
    let lackBytes = 0
    const consensus = crdtConsensus({
      self: 'me', clusterName: 'test', trustedPeers: [], rebroadcastIntervalMs: 1000, repairIntervalMs: 0,
      batching: { maxBatchSize: 0, maxBatchAgeMs: 0, maxQueueSize: 100 },
      digestKey: new DigestKey(undefined)
    }, {
      datastore, broadcast: offlineBroadcast(), exchange: offlineExchange(), clock, log: silentLogger,
      workers: new WorkerRunner({ clock, random: new SeededRandom(1), log: silentLogger }),
      reserve: { lackBytes: () => lackBytes, checkRoom: async () => { throw new ClusterError('STORAGE_FULL') } }
    })
    await consensus.start(new AbortController().signal)
    await consensus.put(pinFor('one'))
    written.length = 0

    lackBytes = 1
    const refused = consensus.put(pinFor('two'))
    await assert.rejects(refused, { code: 'STORAGE_FULL' })
    assert.equal(await consensus.whyReadOnly(), 'the storage is full')
    await consensus.remove(pinFor('one').cid)

    assert.deepEqual(written.map(({ frees }) => frees), [true])
    assert.equal(consensus.state.size(), 0)
    await consensus.stop()
  })

  it('says why no pin can be written, until a write succeeds again', async () => {
    const datastore = memoryDatastore()
    const write = datastore.write.bind(datastore)
    const { consensus, start, stop } = crdtPeer({ datastore })
    await start()
    const before = await consensus.whyReadOnly()

    datastore.write = async () => { throw new Error('read-only file system') }
    await assert.rejects(consensus.put(pinFor('one')), { message: 'read-only file system' })
    const failing = await consensus.whyReadOnly()
    datastore.write = write
    const after = await consensus.whyReadOnly()
    await consensus.put(pinFor('one'))

    assert.deepEqual(
      [before, failing, after, await consensus.whyReadOnly(), consensus.state.size()], ['', 'read-only file system', '', '', 1]
    )
    await stop()
  })
})
