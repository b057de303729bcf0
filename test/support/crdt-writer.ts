import { systemClock } from '../../src/base/system.ts'
import { silentLogger } from '../../src/base/log.ts'
import { levelDatastore } from '../../src/datastore/level/level-datastore.ts'
import { crdtPeer, noBatching } from './crdt-peer.ts'
import { pinFor } from './pins.ts'

/** `crdt-writer FOLDER batched|plain`: pins "pin 0", "pin 1", … until it is killed, and prints each number once it is acknowledged. */
const [folder = '', mode] = process.argv.slice(2)
const batching = mode === 'batched' ? { maxBatchSize: 20, maxBatchAgeMs: 50, maxQueueSize: 1000 } : noBatching
const datastore = levelDatastore({ folder, writeBufferBytes: 1 << 20, cacheBytes: 1 << 20 }, { log: silentLogger, clock: systemClock })
const peer = crdtPeer({ datastore, clock: systemClock, batching })
await peer.start()

let next = 0
await Promise.all(Array.from({ length: 16 }, async () => {
  for (;;) {
    const number = next++
    await peer.consensus.put(pinFor(`pin ${number}`))
    process.stdout.write(`${number}\n`)
  }
}))
