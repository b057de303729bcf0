import { hash } from 'node:crypto'
import { base58btc } from 'multiformats/bases/base58'
import { CID } from '../model/cid.ts'
import { isClusterError } from '../base/errors.ts'
import { isCrdtCid } from './crdt-block.ts'
import { ProtobufReader, ProtobufWriter, fieldLength, invalidBytes, wireTypes } from './protobuf.ts'

/** No cluster has more concurrent writers; more heads in one message are refused. */
export const maxHeadsPerBroadcast = 10_000

/** The message that announces heads (go-ds-crdt). */
export function encodeHeads (heads: readonly CID[]): Uint8Array {
  const writer = new ProtobufWriter(48 * heads.length)
  for (const { bytes } of heads) writer.messageHeader(1, fieldLength(bytes.length)).bytesField(1, bytes)
  return writer.finish()
}

/** Reads an announcement, in the old form (a bare CID) too. Throws INVALID_DATA. */
export function decodeHeads (bytes: Uint8Array): CID[] {
  const heads = readHeads(bytes)
  if (heads.length > 0 || bytes.length === 0) return heads
  return [headCid(bytes)]
}

function readHeads (bytes: Uint8Array): CID[] {
  const reader = new ProtobufReader(bytes)
  const heads: CID[] = []
  try {
    while (reader.next()) {
      if (!reader.is(1, wireTypes.bytes)) { reader.skip(); continue }
      heads.push(readHead(reader.bytes()))
      if (heads.length > maxHeadsPerBroadcast) invalidBytes('too many heads in one message')
    }
  } catch (err) {
    // not protobuf at all: perhaps the old form
    if (heads.length > 0 || !isClusterError(err, 'INVALID_DATA')) throw err
  }
  return heads
}

function readHead (bytes: Uint8Array): CID {
  const reader = new ProtobufReader(bytes)
  let cid: Uint8Array | undefined
  while (reader.next()) {
    if (reader.is(1, wireTypes.bytes)) cid = reader.bytes()
    else reader.skip()
  }
  return cid == null ? invalidBytes('a head without CID') : headCid(cid)
}

function headCid (bytes: Uint8Array): CID {
  let cid: CID
  try { cid = CID.decode(bytes) } catch (err) { return invalidBytes('a head is not a CID', err) }
  return isCrdtCid(cid) ? cid : invalidBytes('a head is not a CRDT block')
}

/** The gossip topic of a cluster: base58 of the MD5 multihash of its name (consensus/crdt and clusterhost.go). */
export function crdtTopic (clusterName: string): string {
  const digest = hash('md5', Buffer.from(clusterName, 'utf8'), 'buffer')
  return base58btc.encode(Uint8Array.from([0xd5, 0x01, 0x10, ...digest])).slice(1)
}
