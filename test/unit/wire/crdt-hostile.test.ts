import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../src/base/errors.ts'
import { CID } from '../../../src/model/cid.ts'
import { zeroTime } from '../../../src/model/time.ts'
import { decodeHeads, encodeHeads, maxHeadsPerBroadcast } from '../../../src/wire/broadcast.ts'
import { crdtCid, decodeCrdtBlock, encodeCrdtBlock } from '../../../src/wire/crdt-block.ts'
import { decodeDelta, encodeDelta, maxPriority } from '../../../src/wire/delta.ts'
import { decodePin, encodePin } from '../../../src/wire/pin.ts'
import { cidOfPinKey, pinKey } from '../../../src/wire/pin-key.ts'
import { ProtobufReader, ProtobufWriter } from '../../../src/wire/protobuf.ts'
import { cidFor, pinFor } from '../../support/pins.ts'
import { SeededRandom } from '../../support/sim-clock.ts'

const bytes = (...parts: Array<number | string>): Uint8Array =>
  Uint8Array.from(parts.flatMap(part => typeof part === 'number' ? [part] : [...Buffer.from(part)]))
const isInvalid = (err: unknown): boolean => isClusterError(err, 'INVALID_DATA')
const cid = cidFor('a')
const block = encodeCrdtBlock(
  { elements: [{ key: pinKey(cid), value: encodePin(pinFor('a')) }], tombstones: [{ key: pinKey(cid), id: '/CIQA' }], priority: 7 }, []
)

describe('protobuf integers', () => {
  for (const value of [0, 1, 127, 128, 300, 2 ** 31, 2 ** 32, 2 ** 49 - 1, 2 ** 49, 2 ** 53 - 1]) {
    it(`keep ${value}`, () => {
      const reader = new ProtobufReader(new ProtobufWriter().uintField(1, value).finish())

      assert.ok(reader.next())
      assert.equal(reader.uint(), value)
    })
  }

  for (const value of [2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]) {
    it(`keep ${value} as a bigint`, () => {
      const reader = new ProtobufReader(new ProtobufWriter().uintField(1, value).finish())

      assert.ok(reader.next())
      assert.equal(reader.uint64(), value)
    })
  }

  for (const value of [0, 1, -1, 2, 2 ** 31 - 1, -(2 ** 31)]) {
    it(`keep ${value} in zigzag`, () => {
      const reader = new ProtobufReader(new ProtobufWriter().sintField(1, value).finish())

      assert.ok(reader.next())
      assert.equal(reader.sint32(), value)
    })
  }
})

describe('malformed deltas', () => {
  const cases: Record<string, Uint8Array> = {
    'a length beyond the input': bytes(0x0a, 0x7f, 0x01),
    'a length of 2^63': bytes(0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
    'a varint without end': bytes(0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
    'a cut-off varint': bytes(0x18, 0xff),
    'field number 0': bytes(0x00, 0x01),
    'a group': bytes(0x0b),
    'wire type 7': bytes(0x0f),
    'a key that is not UTF-8': bytes(0x0a, 0x04, 0x0a, 0x02, 0xff, 0xfe),
    'a priority of 2^64 - 1': bytes(0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
    'a priority no DAG can reach': encodeDelta({ elements: [], tombstones: [], priority: maxPriority + 1 }),
    'a cut-off fixed64': bytes(0x21, 1, 2, 3)
  }
  for (const [name, input] of Object.entries(cases)) it(`are refused: ${name}`, () => assert.throws(() => decodeDelta(input), isInvalid))

  it('may hold unknown fields', () => {
    const delta = decodeDelta(bytes(0x18, 0x02, 0x78, 0x05, 0x7a, 0x01, 0x41, 0x7d, 1, 2, 3, 4, 0x79, 1, 2, 3, 4, 5, 6, 7, 8))

    assert.deepEqual(delta, { elements: [], tombstones: [], priority: 2 })
  })
})

describe('malformed blocks', () => {
  it('are refused: not dag-pb', () => assert.throws(() => decodeCrdtBlock(cid, bytes(0xff, 0x01)), isInvalid))

  it('are refused: a link that is no CRDT block', () => {
    const odd = encodeCrdtBlock({ elements: [], tombstones: [], priority: 2 }, [cidFor('raw')])

    assert.throws(() => decodeCrdtBlock(odd.cid, odd.bytes), isInvalid)
  })

  it('are refused: larger than anything that travels', () => assert.throws(() => decodeCrdtBlock(cid, new Uint8Array(5 << 20)), isInvalid))

  it('never crash otherwise: any byte changed, any length cut', () => {
    const random = new SeededRandom(1)
    for (let round = 0; round < 2000; round++) {
      const broken = Uint8Array.from(block.bytes.subarray(0, Math.ceil(random.float() * block.bytes.length)))
      broken[Math.floor(random.float() * broken.length)] = Math.floor(random.float() * 256)
      try {
        for (const { key, value } of decodeCrdtBlock(crdtCid(broken), broken).delta.elements) decodePin(value, cidOfPinKey(key) ?? cid)
      } catch (err) {
        assert.ok(isInvalid(err), String(err))
      }
    }
  })
})

describe('head broadcasts of others', () => {
  it('may be a bare CID, the old form', () => assert.deepEqual(decodeHeads(block.cid.bytes).map(String), [block.cid.toString()]))

  it('may be empty', () => assert.deepEqual(decodeHeads(new Uint8Array(0)), []))

  it('are refused when a head is no CRDT block', () => assert.throws(() => decodeHeads(encodeHeads([cidFor('raw')])), isInvalid))

  it('are refused when a head is no CID', () => assert.throws(() => decodeHeads(bytes(0x0a, 0x03, 0x0a, 0x01, 0x05)), isInvalid))

  it('are refused with too many heads', () => {
    const heads = encodeHeads(Array.from({ length: maxHeadsPerBroadcast + 1 }, () => block.cid))

    assert.throws(() => decodeHeads(heads), isInvalid)
  })
})

const entry = (key: string, value: string): Uint8Array => new ProtobufWriter().textField(1, key).textField(2, value).finish()

describe('pins of others', () => {
  it('may have no fields at all', () => {
    const pin = decodePin(new Uint8Array(0), cid)

    assert.equal(pin.type, 'bad-type')
    assert.equal(pin.timestamp, zeroTime)
    assert.equal(pin.mode, 'direct')
  })

  it('have the CID of their key, not that of their field', () => {
    assert.ok(decodePin(encodePin(pinFor('b')), cid).cid.equals(cid))
  })

  it('may have metadata in the old form, which the sorted form overrides', () => {
    const options = new ProtobufWriter().bytesField(10, entry('a', 'new')).bytesField(6, entry('a', 'old')).bytesField(6, entry('b', 'old'))
      .finish()

    const pin = decodePin(new ProtobufWriter().bytesField(6, options).finish(), cid)

    assert.deepEqual(pin.metadata, { a: 'new', b: 'old' })
  })

  it('may have metadata named like parts of objects', () => {
    const pin = decodePin(encodePin({ ...pinFor('a'), metadata: Object.fromEntries([['__proto__', 'x'], ['constructor', 'y']]) }), cid)

    assert.deepEqual(Object.entries(pin.metadata), [['__proto__', 'x'], ['constructor', 'y']])
  })

  it('may have origins and references that nobody can read: those are left out', () => {
    const options = new ProtobufWriter().bytesField(9, bytes(0xff, 0xff, 0xff)).finish()
    const pin = decodePin(new ProtobufWriter().bytesField(5, bytes(9, 9)).bytesField(6, options).finish(), cid)

    assert.deepEqual([pin.reference, pin.origins], [null, []])
  })

  it('are refused with times outside the calendar', () => {
    assert.throws(() => decodePin(new ProtobufWriter().uintField(7, 2n ** 62n).finish(), cid), isInvalid)
  })

  it('are refused with allocations that are no peers', () => {
    assert.throws(() => decodePin(new ProtobufWriter().bytesField(3, new Uint8Array(5000)).finish(), cid), isInvalid)
  })

  it('keep times before 1970', () => {
    const pin = { ...pinFor('a'), timestamp: Date.UTC(1960, 0, 1) }

    assert.equal(decodePin(encodePin(pin), cid).timestamp, pin.timestamp)
  })
})

describe('pin keys', () => {
  it('are of CIDs of either version', () => {
    const v0 = CID.parse('QmfE7xZsxpZFJDQwoMpXeo9ksaeq44vWkcv4RDWJYqU3Ln')

    assert.equal(cidOfPinKey(pinKey(v0))?.toString(), v0.toString())
    assert.equal(cidOfPinKey(pinKey(cid))?.toString(), cid.toString())
  })

  for (const key of ['', '/', 'AFKREI', '/afkrei', '/CIQ', '/AFKREI/B', '/../x', `/${'A'.repeat(5000)}`, `${pinKey(cid)}A`]) {
    it(`are not: ${key.slice(0, 20)}`, () => assert.equal(cidOfPinKey(key), undefined))
  }
})
