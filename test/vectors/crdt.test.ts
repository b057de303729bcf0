import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { CID, peerIdBytes, peerIdFromBytes } from '../../src/model/cid.ts'
import { pinTypes } from '../../src/model/pin.ts'
import type { Pin } from '../../src/model/pin.ts'
import { zeroTime } from '../../src/model/time.ts'
import { memoryDatastore } from '../support/memory-datastore.ts'
import { crdtTopic, decodeHeads, encodeHeads } from '../../src/wire/broadcast.ts'
import { blockKey, cidOfBlockKey, crdtCid, decodeCrdtBlock, encodeCrdtBlock } from '../../src/wire/crdt-block.ts'
import { decodeDelta, encodeDelta } from '../../src/wire/delta.ts'
import { decodePin, encodePin } from '../../src/wire/pin.ts'
import { cidOfPinKey, pinKey } from '../../src/wire/pin-key.ts'
import { crdtPeer, clusterName } from '../support/crdt-peer.ts'
import { SeededRandom, SimClock } from '../support/sim-clock.ts'
import { SimGossip } from '../support/sim-gossip.ts'

const folder = process.env['VECTORS_DIR'] ?? dirname(fileURLToPath(import.meta.url))
const read = (file: string): any => JSON.parse(readFileSync(join(folder, 'crdt', file), 'utf8'))
const base64 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'))
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const seconds = (time: number): number => time === zeroTime ? 0 : time / 1000

/** A pin in the form of the recordings. */
function fieldsOf (pin: Pin): unknown {
  return {
    cid: pin.cid.toString(),
    type: Math.log2(pinTypes[pin.type]),
    type_name: pin.type,
    allocations: pin.allocations,
    max_depth: pin.maxDepth,
    reference: pin.reference?.toString() ?? null,
    timestamp: seconds(pin.timestamp),
    options: {
      replication_factor_min: pin.replicationFactorMin,
      replication_factor_max: pin.replicationFactorMax,
      name: pin.name,
      shard_size: pin.shardSize,
      pin_update: pin.pinUpdate?.toString() ?? null,
      expire_at: seconds(pin.expireAt),
      origins: pin.origins,
      metadata: pin.metadata
    }
  }
}

function knownPin (key: string, value: Uint8Array): Pin {
  const cid = cidOfPinKey(key)
  assert.ok(cid != null, `${key} is a pin key`)
  return decodePin(value, cid)
}

describe('pins stored by Go', () => {
  for (const vector of read('pins.json').pins) {
    it(`are read and written alike: ${String(vector.name).slice(0, 40)} ${vector.datastore_key.slice(-8)}`, () => {
      const pin = knownPin(vector.datastore_key, base64(vector.pb_base64))

      assert.deepEqual(fieldsOf(pin), vector.fields)
      assert.equal(hex(encodePin(pin)), hex(base64(vector.pb_base64)))
      assert.equal(pinKey(pin.cid), vector.datastore_key)
    })
  }
})

describe('CRDT blocks of a live cluster', () => {
  for (const vector of read('blocks.json').blocks) {
    it(`are read and written alike: ${vector.cid}`, () => {
      const bytes = base64(vector.block_base64)
      const block = decodeCrdtBlock(CID.parse(vector.cid), bytes)
      const again = encodeCrdtBlock(block.delta, block.links)

      assert.equal(bytes.length, vector.size)
      assert.equal(crdtCid(bytes).toString(), vector.cid)
      assert.equal(blockKey(block.cid), vector.block_key)
      assert.equal(cidOfBlockKey(vector.block_key).toString(), vector.cid)
      assert.equal(block.delta.priority, vector.priority)
      assert.deepEqual(block.links.map(link => ({ cid: link.toString(), name: '', tsize: 0 })), vector.links)
      assert.deepEqual(block.delta.tombstones, vector.tombstones.map(({ key, id }: any) => ({ key, id })))
      assert.deepEqual(block.delta.elements.map(({ key }) => key), vector.elements.map(({ key }: any) => key))
      for (const [at, { key, value }] of block.delta.elements.entries()) {
        assert.equal(hex(value), hex(base64(vector.elements[at].value.pb_base64)))
        assert.deepEqual(fieldsOf(knownPin(key, value)), vector.elements[at].value.fields)
      }
      assert.equal(hex(encodeDelta(decodeDelta(base64(vector.delta_base64)))), hex(base64(vector.delta_base64)))
      assert.equal(hex(again.bytes), hex(bytes))
      assert.equal(again.cid.toString(), vector.cid)
    })
  }
})

describe('head broadcasts', () => {
  const { cluster_name: name, messages } = read('broadcasts.json')

  for (const [at, vector] of messages.entries()) {
    it(`are read and written alike: message ${at}`, () => {
      const heads = decodeHeads(base64(vector.data_base64))

      assert.deepEqual(heads.map(String), vector.heads)
      assert.equal(hex(encodeHeads(heads)), hex(base64(vector.data_base64)))
      assert.equal(vector.topic, crdtTopic(name))
      assert.equal(hex(peerIdBytes(vector.from)), vector.from_hex)
    })
  }
})

describe('identities', () => {
  const { topics, identities } = read('identities.json')

  for (const vector of topics) {
    it(`name the topic of ${JSON.stringify(vector.cluster_name)}`, () => assert.equal(crdtTopic(vector.cluster_name), vector.topic))
  }

  for (const vector of identities) {
    it(`spell the peer ${vector.identity_json.id}`, () => {
      assert.equal(hex(peerIdBytes(vector.identity_json.id)), vector.peer_id_bytes_hex)
      assert.equal(peerIdFromBytes(Buffer.from(vector.peer_id_bytes_hex, 'hex')), vector.identity_json.id)
    })
  }
})

describe('merges, as a Go peer does them', () => {
  for (const scenario of read('merge-scenarios.json').scenarios) {
    it(scenario.name, async () => {
      const clock = new SimClock()
      const gossip = new SimGossip({ maxDelayMs: 5, loss: 0 }, { clock, random: new SeededRandom(1) })
      const blocks = new Map<string, Uint8Array>(scenario.blocks.map((block: any) => [block.cid, base64(block.block_base64)]))
      gossip.join('writer', cid => blocks.get(cid.toString()))
      const peer = crdtPeer({ datastore: memoryDatastore(), clock, ...gossip.join('self', () => undefined) })
      await peer.start()

      for (const step of scenario.steps) {
        gossip.inject({ from: 'writer', data: encodeHeads(step.broadcast.map((cid: string) => CID.parse(cid))) }, crdtTopic(clusterName))
        await clock.until(() => !peer.consensus.progress().behind)

        for (const [cid, name] of Object.entries(step.go_name_after)) {
          assert.equal(peer.consensus.state.get(CID.parse(cid))?.name ?? null, name)
        }
        assert.deepEqual(peer.consensus.progress().heads.map(String).toSorted(), step.heads_after_in_this_dag.toSorted())
      }
      await peer.stop()
    })
  }
})
