import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CID } from 'multiformats/cid'
import { silentLogger } from '../../../../src/base/log.ts'
import { systemClock } from '../../../../src/base/system.ts'
import { differenceOf, stillDiffering } from '../../../../src/cluster/sync/difference.ts'
import { CrdtStore } from '../../../../src/consensus/crdt/crdt-store.ts'
import { valueRecord } from '../../../../src/consensus/crdt/layout.ts'
import { encodeValueRecord } from '../../../../src/consensus/crdt/value-record.ts'
import type { PinsetDigests } from '../../../../src/consensus/pinset-digest.ts'
import type { PeerStreams } from '../../../../src/network/network.ts'
import { pinsetProtocol, pinsetServer, remotePinsets } from '../../../../src/network/pinset/pinset.ts'
import { encodeCrdtBlock } from '../../../../src/wire/crdt-block.ts'
import type { CrdtBlock } from '../../../../src/wire/crdt-block.ts'
import { encodePin } from '../../../../src/wire/pin.ts'
import { pinKey } from '../../../../src/wire/pin-key.ts'
import { countedDigest } from '../../../support/counted-digest.ts'
import { crdtPeer } from '../../../support/crdt-peer.ts'
import type { CrdtPeer } from '../../../support/crdt-peer.ts'
import { memoryDatastore } from '../../../support/memory-datastore.ts'
import { MemoryStreams } from '../../../support/memory-streams.ts'
import { cidFor, pinFor } from '../../../support/pins.ts'

const signal = new AbortController().signal
const dagJson = (text: string): CID => CID.createV1(0x129, cidFor(text).multihash)
const keyOf = (text: string): string => pinKey(cidFor(text))

/** Blocks of 300 pins, each over the one before. */
function pinsetOf (texts: readonly string[]): CrdtBlock[] {
  const blocks: CrdtBlock[] = []
  for (let at = 0; at < texts.length; at += 300) {
    const elements = texts.slice(at, at + 300).map(text => ({ key: keyOf(text), value: encodePin(pinFor(text)) }))
    blocks.push(encodeCrdtBlock({ elements, tombstones: [], priority: blocks.length + 1 }, blocks.slice(-1).map(({ cid }) => cid)))
  }
  return blocks
}

async function peerWith (blocks: readonly CrdtBlock[]): Promise<CrdtPeer> {
  const datastore = memoryDatastore()
  await datastore.start(signal)
  const store = new CrdtStore({ datastore, log: silentLogger })
  await store.load()
  await store.applyAll(blocks, { sync: false })
  const peer = crdtPeer({ datastore })
  await peer.start()
  return peer
}

/**
 * A row that changed on the disk, or went, without a change of the pinset; the digest is then that of the disk, as after the daily check.
 */
async function rot ({ datastore, consensus, workers }: CrdtPeer, text: string, value: Uint8Array | undefined): Promise<void> {
  await consensus.stop()
  await datastore.write(
    [
      {
        key: valueRecord(keyOf(text)),
        value: value == null ? undefined : encodeValueRecord({ version: { priority: 1, value }, isPin: true, overlay: undefined })
      },
      { key: '!digest', value: undefined }
    ]
  )
  await consensus.start(signal)
  while (consensus.digests.point() == null) await workers.findLast(({ name }) => name === 'pinset digest')?.work(signal)
}

/** Two peers, what one can ask the other, and how many bytes that took. */
async function served (digests: PinsetDigests, { trusts = () => true }: { trusts?: () => boolean } = {}) {
  const network = new MemoryStreams()
  let bytes = 0
  const counting = (streams: PeerStreams): PeerStreams => ({
    ...streams,
    open: async (peer, protocol, options) => {
      const stream = await streams.open(peer, protocol, options)
      const write = stream.write.bind(stream)
      async function * source (from: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
        for await (const chunk of from) {
          bytes += chunk.length
          yield chunk
        }
      }
      return Object.assign(Object.create(stream) as typeof stream, {
        remote: stream.remote, source: source(stream.source), closeWrite: async () => stream.closeWrite(),
        abort: (reason: Error) => stream.abort(reason),
        write: async (...pieces: Uint8Array[]) => {
          for (const piece of pieces) bytes += piece.length
          await write(...pieces)
        }
      })
    }
  })
  const [near, far] = [network.of('near'), network.of('far')]
  await pinsetServer({ streams: far, trusts, digests, clock: systemClock, log: silentLogger }).start(signal)
  const remotes = remotePinsets({ streams: counting(near), clock: systemClock })
  return { remotes, near, parts: remotes.parts('far'), bytes: () => bytes }
}

describe('the difference of two pinsets', () => {
  it('is found by few bytes, wherever it lies', async () => {
    const blocks = pinsetOf(Array.from({ length: 6000 }, (_, at) => `pin ${at}`))
    const [one, other] = [await peerWith(blocks), await peerWith(blocks)]
    const changed = ['pin 3', 'pin 77', 'pin 1234', 'pin 5999']
    for (const text of changed.slice(1)) await rot(other, text, encodePin(pinFor(text, { name: 'another' })))
    await rot(other, changed[0] as string, undefined)
    const { parts, bytes } = await served(other.consensus.digests)

    const { keys, isCut } = await differenceOf([one.consensus.digests, parts], { most: 1000 })

    assert.deepEqual(keys.map(({ key }) => key).toSorted(), changed.map(keyOf).toSorted())
    assert.equal(keys.find(({ key }) => key === keyOf('pin 3'))?.other, undefined)
    assert.equal(isCut, false)
    assert.ok(bytes() < 64 * 1024, `${bytes()} bytes`)
    assert.deepEqual((await stillDiffering([one.consensus.digests, parts], keys.map(({ key }) => key))).length, 4)
  })

  it('is cut when it is large, and nothing when there is none', async () => {
    const blocks = pinsetOf(Array.from({ length: 900 }, (_, at) => `pin ${at}`))
    const [one, none, same] = [await peerWith(blocks), await peerWith([]), await peerWith(blocks)]

    const all = await differenceOf([one.consensus.digests, none.consensus.digests], { most: 100 })
    const nothing = await differenceOf([one.consensus.digests, same.consensus.digests], { most: 100 })

    assert.deepEqual([all.keys.length, all.isCut, nothing], [100, true, { keys: [], isCut: false }])
  })

  it('is found below beginnings that all keys have in common', async () => {
    const texts = Array.from({ length: 200 }, (_, at) => `pin ${at}`)
    const [one, other] = [await peerWith([]), await peerWith([])]
    for (const text of texts) {
      // no common kind of CID: all are in one cell
      const pin = { ...pinFor(text), cid: dagJson(text) }
      await one.consensus.put(pin)
      if (text !== 'pin 9') await other.consensus.put(pin)
    }

    const { keys } = await differenceOf([one.consensus.digests, other.consensus.digests], { most: 100 })

    assert.deepEqual(keys.map(({ key }) => key), [pinKey(dagJson('pin 9'))])
  })
})

describe('merging again', () => {
  it('makes values what the blocks say', async () => {
    const blocks = pinsetOf(Array.from({ length: 700 }, (_, at) => `pin ${at}`))
    const [one, other] = [await peerWith(blocks), await peerWith(blocks)]
    await rot(other, 'pin 5', encodePin(pinFor('pin 5', { name: 'another' })))
    await rot(other, 'pin 600', undefined)
    const { remotes } = await served(other.consensus.digests)
    assert.notEqual(one.consensus.digests.point()?.digest, other.consensus.digests.point()?.digest)
    const changes: Array<string | undefined> = []
    other.consensus.onChange(list => { for (const { pin } of list) changes.push(pin?.name) })

    const merged = await remotes.mergeAgain('far', {
      heads: one.consensus.digests.point()?.heads ?? [], keys: ['pin 5', 'pin 600', 'pin 7'].map(keyOf)
    })
    const expected = ['pin 5', 'pin 600'].map(keyOf).toSorted()

    assert.deepEqual({ ...merged, repaired: merged.repaired.toSorted() }, { lostBlocks: 0, repaired: expected })
    assert.equal(one.consensus.digests.point()?.digest, other.consensus.digests.point()?.digest)
    assert.equal((await countedDigest(other.datastore)).digest, other.consensus.digests.point()?.digest)
    assert.deepEqual(changes.toSorted(), ['pin 5', 'pin 600'])
    assert.equal(other.consensus.state.get(cidFor('pin 600'))?.name, 'pin 600')
  })

  it('keeps what was removed removed', async () => {
    const peer = await peerWith(pinsetOf(['a', 'b']))
    await peer.consensus.remove(cidFor('a'))
    await rot(peer, 'a', encodePin(pinFor('a')))
    assert.equal(peer.consensus.state.has(cidFor('a')), true)

    await peer.consensus.digests.mergeAgain([keyOf('a'), keyOf('b')])

    assert.deepEqual([peer.consensus.state.has(cidFor('a')), peer.consensus.state.has(cidFor('b'))], [false, true])
  })
})

describe('questions about the pinset', () => {
  it('are answered to trusted peers only, and not while it is counted', async () => {
    const peer = await peerWith(pinsetOf(['a']))
    const { parts } = await served(peer.consensus.digests, { trusts: () => false })
    await assert.rejects(parts.cells(), { code: 'NOT_AUTHORIZED' })

    const counting = await served({ ...peer.consensus.digests, point: () => undefined } as unknown as PinsetDigests)
    await assert.rejects(counting.parts.cells(), { code: 'NOT_READY' })
  })

  it('end only their own stream when they are none', async () => {
    const peer = await peerWith(pinsetOf(['a']))
    const { near, parts } = await served(peer.consensus.digests)
    const questions = [
      '', '{}', 'null', '{"ask":"groups","of":[["/x",1]]}', '{"ask":"groups","of":[["/A",9999]]}',
      `{"ask":"keys","of":${JSON.stringify(Array.from({ length: 300 }, () => '/A'))}}`, '{"ask":"keys","of":["A"]}',
      '{"ask":"merge","heads":["x"],"keys":[]}'
    ]
    for (const question of questions) {
      const stream = await near.open('far', pinsetProtocol)
      const bytes = Buffer.from(question)
      await stream.write(
        Buffer.concat(
          [bytes.length < 128 ? Uint8Array.of(bytes.length) : Uint8Array.of((bytes.length & 0x7f) | 0x80, bytes.length >> 7), bytes]
        )
      ).catch(() => {})
      await stream.closeWrite()
      await assert.rejects(async () => { for await (const _ of stream.source) assert.fail(question) }, question)
    }

    assert.equal((await parts.heads()).length, 1)
    assert.equal((await parts.cells()).length, 1)
  })
})
