import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import { levelDatastore } from '../../src/datastore/level/level-datastore.ts'
import { memoryDatastore } from '../support/memory-datastore.ts'
import { crdtPeer } from '../support/crdt-peer.ts'
import { SimDisk } from '../support/sim-disk.ts'
import { consensusContract } from './consensus.ts'

const batching = { maxBatchSize: 7, maxBatchAgeMs: 1000, maxQueueSize: 50_000 }

consensusContract('crdt in memory', async () => {
  const datastore = memoryDatastore()
  return { ...crdtPeer({ datastore }), reopen: () => crdtPeer({ datastore }), close: async () => {} }
})

consensusContract('crdt with batching in memory', async () => {
  const datastore = memoryDatastore()
  return { ...crdtPeer({ datastore, batching }), reopen: () => crdtPeer({ datastore, batching }), close: async () => {} }
})

consensusContract('crdt on a simulated disk that loses power after the stop', async () => {
  const disk = new SimDisk()
  const reopen = (): ReturnType<typeof crdtPeer> => {
    disk.crash()
    return crdtPeer({ datastore: disk.datastore() })
  }
  return { ...crdtPeer({ datastore: disk.datastore() }), reopen, close: async () => {} }
})

consensusContract('crdt on level', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'helia-cluster-crdt-'))
  const open = (): ReturnType<typeof crdtPeer> =>
    crdtPeer({
      datastore: levelDatastore({ folder, writeBufferBytes: 4 << 20, cacheBytes: 1 << 20 }, { log: silentLogger, clock: systemClock })
    })
  return { ...open(), reopen: open, close: async () => rm(folder, { recursive: true, force: true }) }
})
