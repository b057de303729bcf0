import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, it } from 'node:test'
import { MsgpackReader, MsgpackWriter } from '../../src/wire/msgpack.ts'
import { defaultLimits, ValueScan } from '../../src/wire/msgpack-scan.ts'
import * as types from '../../src/wire/rpc-types.ts'
import { bigInt, bigUint, bool, bytes, cid, float, list, maddr, peer, text, time, uint, type WireCodec } from '../../src/wire/rpc-schema.ts'

const folder = join(process.env['VECTORS_DIR'] ?? dirname(fileURLToPath(import.meta.url)), 'rpc')
const read = (file: string): any => JSON.parse(readFileSync(join(folder, file), 'utf8'))

const codecs: Record<string, WireCodec<any>> = {
  ServiceID: types.serviceId, Response: types.responseHeader, empty: types.empty, peer, cid, maddr, time, bytes, string: text, float,
  '[]peer': list(peer), '[]string': list(text), int: bigInt, uint: bigUint, Version: types.version, ID: types.id, IPFSID: types.ipfsId,
  Pin: types.pin, PinPath: types.pinPath,
  PinInfo: types.pinInfo, GlobalPinInfo: types.globalPinInfo, IPFSPinInfo: types.ipfsPinInfo, ConnectGraph: types.connectGraph,
  NodeWithMeta: types.nodeWithMeta, Metric: types.metric, Alert: types.alert, BandwidthByProtocol: types.bandwidthByProtocol,
  IPFSRepoStat: types.ipfsRepoStat, RepoGC: types.repoGc, GlobalRepoGC: types.globalRepoGc, '[]Metric': list(types.metric),
  '[]Alert': list(types.alert),
  uint64: uint, bool, AddedOutput: types.addedOutput
}

function reencode (codec: WireCodec<any>, bytes: Uint8Array): string {
  const reader = new MsgpackReader(bytes)
  const value = codec.read(reader)
  assert.equal(reader.position, bytes.byteLength)
  const writer = new MsgpackWriter()
  codec.write(writer, value)
  return Buffer.from(writer.bytes()).toString('hex')
}

describe('types of the RPC as Go encodes them', () => {
  for (const vector of read('types.json').vectors) {
    if (vector.bytes == null || vector.type === 'any') continue

    it(`${vector.type} ${vector.case} is read and written to the same bytes`, () => {
      const bytes = Buffer.from(vector.bytes, 'base64')
      const codec = codecs[vector.type]

      assert.ok(codec != null, `no codec for ${vector.type}`)
      assert.equal(reencode(codec, bytes), bytes.toString('hex'))
    })
  }
})

describe('types of Go that no recording has', () => {
  const aPeer = 'da00260024080112208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c'
  const aCid = 'da002401551220baf60b8f6fa10d0c0e3d9f8b0f8d3a2a2d1e2f0c4b5a69788796a5b4c3d2e1f0'
  for (const [type, hex] of [
    ['bool', 'c3'], ['bool', 'c2'],
    // omitempty: what has no value isn't there; the CID always is
    ['AddedOutput', '81a163c0'],
    ['AddedOutput', `85a16ea178a163${aCid}a162cd0100a173cd0108a16191${aPeer}`],
    // a list that is nil isn't an empty one
    ['ID', '83a16190a26370c0a3637061c0'], ['ID', '81a2637090']
  ] as const) {
    it(`${type} ${hex.slice(0, 24)} is read and written to the same bytes`, () => {
      assert.equal(reencode(codecs[type] as WireCodec<any>, Buffer.from(hex, 'hex')), hex)
    })
  }
})

/** Splits a recorded stream into its msgpack values. */
function values (stream: string): Buffer[] {
  const buffer = Buffer.from(stream, 'base64')
  const found: Buffer[] = []
  for (let at = 0; at < buffer.length;) {
    const { end } = new ValueScan(defaultLimits, at).advance(buffer)
    if (end == null) throw new Error('the recording ends inside a value')
    found.push(buffer.subarray(at, end))
    at = end
  }
  return found
}

/** Calls made on purpose with an argument that can't be decoded. */
const refusedArgument = /-error-1(-\d)?$/

describe('recorded calls', () => {
  const calls = readdirSync(folder).filter(file => file.startsWith('call-')).map(read).filter(
    call => call.request != null && !/no-frames|raw/.test(call.name)
  )

  for (const call of calls.filter(call => refusedArgument.test(call.name) && call.argType === 'cid')) {
    it(`${call.name}: the argument is refused`, () => {
      const argument = values(call.request)[1] as Buffer

      assert.throws(() => reencode(cid, argument), { code: /INVALID_(DATA|CID)/ })
    })
  }

  for (const call of calls.filter(call => call.reencodesIdentically === true)) {
    it(`${call.name}: every header and reply is read and written to the same bytes`, () => {
      const [service, ...args] = values(call.request)
      const replies = values(call.response)
      const argType = codecs[call.argType]
      const replyType = codecs[call.replyType]

      assert.equal(reencode(types.serviceId, service as Buffer), service?.toString('hex'))
      if (argType != null && !refusedArgument.test(call.name)) {
        for (const arg of args) assert.equal(reencode(argType, arg), arg.toString('hex'))
      }
      replies.forEach((value, at) => {
        if (at % 2 === 0) assert.equal(reencode(types.responseHeader, value), value.toString('hex'))
        else if (replyType != null && value[0] !== 0xc0) assert.equal(reencode(replyType, value), value.toString('hex'))
      })
    })
  }
})
