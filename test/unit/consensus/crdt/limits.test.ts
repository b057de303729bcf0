import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { buildDelta, maxDeltaBytes, maxPinBytes } from '../../../../src/consensus/crdt/delta-builder.ts'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import { offlineBroadcast, offlineExchange } from '../../../../src/network/offline/offline.ts'
import type { BlockExchange, Broadcast } from '../../../../src/network/network.ts'
import { encodeHeads } from '../../../../src/wire/broadcast.ts'
import { crdtCid } from '../../../../src/wire/crdt-block.ts'
import { elementBytes, encodeDelta } from '../../../../src/wire/delta.ts'
import { encodePin } from '../../../../src/wire/pin.ts'
import { crdtPeer } from '../../../support/crdt-peer.ts'
import { NotedLogger } from '../../../support/noted-logger.ts'
import { pinFor } from '../../../support/pins.ts'
import { quietMs } from '../../../support/poll.ts'

describe('the limits of what this peer writes', { timeout: quietMs(5000) }, () => {
  it('a pin has 256 KiB, and a larger one is refused with nothing changed', async () => {
    const peer = crdtPeer({ datastore: memoryDatastore() })
    await peer.start()
    const base = pinFor('one', { metadata: { large: 'x'.repeat(200_000) } })
    const pinOf = (sizeBytes: number) => {
      const pin = pinFor('one', { metadata: { large: 'x'.repeat(200_000 + sizeBytes - encodePin(base).length) } })
      assert.equal(encodePin(pin).length, sizeBytes)
      return pin
    }

    assert.equal(maxPinBytes, 256 * 1024)
    await assert.rejects(
      peer.consensus.put(pinOf(maxPinBytes + 1)), { code: 'PIN_TOO_LARGE', details: { bytes: maxPinBytes + 1, allowed: maxPinBytes } }
    )
    assert.deepEqual([peer.consensus.state.size(), peer.consensus.progress().height], [0, 0])
    await peer.consensus.put(pinOf(maxPinBytes))
    assert.equal(peer.consensus.state.size(), 1)
    await peer.stop()
  })

  it('a delta has 1 MiB with room for links, and what doesn\'t fit goes into the next one', async () => {
    const element = (key: string, sizeBytes: number) => {
      const rest = elementBytes({ key, value: new Uint8Array(sizeBytes) }) - sizeBytes
      const value = new Uint8Array(sizeBytes - rest)
      assert.equal(elementBytes({ key, value }), sizeBytes)
      return { key, remove: false, put: value }
    }
    const cut = async (...sizes: number[]): Promise<number> => {
      const { elements, tombstones, done } = await buildDelta(sizes.map((sizeBytes, at) => element(`/k${at}`, sizeBytes)), async () => [])
      assert.ok(encodeDelta({ elements, tombstones, priority: 1 }).length <= 1024 * 1024)
      return done.length
    }
    const half = maxDeltaBytes / 2

    assert.equal(maxDeltaBytes, 1024 * 1024 - 16 * 1024)
    assert.deepEqual([await cut(half, half), await cut(half, half + 1)], [2, 1])
  })

  it('removals of one delta have their versions looked up side by side, 64 at a time', async () => {
    const changes = Array.from({ length: 100 }, (_, n) => ({ key: `/k${n}`, remove: true, put: undefined }))
    const atOnce: number[] = []
    let running = 0
    const { tombstones, done } = await buildDelta(changes, async key => {
      atOnce.push(++running)
      await new Promise(resolve => setImmediate(resolve))
      running--
      return [`version of ${key}`]
    })

    assert.equal(Math.max(...atOnce), 64)
    assert.deepEqual(done, changes.map(({ key }) => key))
    assert.deepEqual(tombstones, changes.map(({ key }) => ({ key, id: `version of ${key}` })))
  })
})

it('256 heads of one peer are fetched at a time, and more are named in the log', { timeout: quietMs(5000) }, async () => {
  const log = new NotedLogger()
  let deliver = (_from: string, _data: Uint8Array): void => {}
  const alone = offlineBroadcast()
  const broadcast: Broadcast = {
    ...alone, publish: async () => {},
    subscribe: (_topic, handler) => { deliver = (from, data) => handler({ from, data }); return () => {} }
  }
  const exchange: BlockExchange = { ...offlineExchange(), fetch: async () => new Promise(() => {}) }
  const peer = crdtPeer({ datastore: memoryDatastore(), broadcast, exchange, log })
  await peer.start()
  const heads = (from: number, count: number): Uint8Array =>
    encodeHeads(Array.from({ length: count }, (_, at) => crdtCid(Buffer.from(`${from + at}`))))

  deliver('one', heads(0, 256))
  deliver('other', heads(1000, 256))
  assert.deepEqual(log.warnings(), [])
  deliver('one', heads(256, 1))

  assert.deepEqual(
    log.warnings().map(([message, { from }]) => [message, from]), [['a peer announces more heads than can be fetched at once', 'one']]
  )
  void peer.stop()
})
