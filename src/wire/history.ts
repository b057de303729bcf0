import { CID } from '../model/cid.ts'
import { isCrdtCid } from './crdt-block.ts'
import { ProtobufReader, ProtobufWriter, invalidBytes, wireTypes } from './protobuf.ts'

/** Our own protocol between cluster peers (docs/design/wire/history.md). Go peers don't speak it. */
export const historyProtocol = '/helia-cluster/history/1.0.0'

/** CIDs that one request may name, roots and known blocks together. */
export const maxCidsPerRequest = 4000
/** Heads that an answer may begin with. */
export const maxHeadsPerAnswer = 10_000
/** Bounds both: a CID takes 38 bytes. */
export const maxHistoryHeaderBytes = 512 * 1024

/** See `HistoryRequest` of src/network/history.ts. */
export interface HistoryQuestion { roots: readonly CID[], known: readonly CID[] }

/** The frame that asks for history: roots in field 1, known blocks in field 2 (docs/design/wire/history.md). */
export function encodeHistoryRequest ({ roots, known }: HistoryQuestion): Uint8Array {
  const writer = new ProtobufWriter(64 + 40 * (roots.length + known.length)).uintField(3, 1)
  for (const { bytes } of roots) writer.bytesField(1, bytes)
  for (const { bytes } of known) writer.bytesField(2, bytes)
  return writer.finish()
}

/** Reads such a frame. Throws INVALID_DATA, also for too many CIDs. Fields of newer versions are passed over. */
export function decodeHistoryRequest (bytes: Uint8Array): { roots: CID[], known: CID[] } {
  const reader = new ProtobufReader(bytes)
  const request = { roots: [] as CID[], known: [] as CID[] }
  while (reader.next()) {
    if (reader.is(1, wireTypes.bytes)) request.roots.push(crdtCidOf(reader.bytes()))
    else if (reader.is(2, wireTypes.bytes)) request.known.push(crdtCidOf(reader.bytes()))
    else reader.skip()
    if (request.roots.length + request.known.length > maxCidsPerRequest) invalidBytes('too many CIDs in a request for history')
  }
  return request
}

/** The frame that an answer begins with. Never empty: field 3 is always there. */
export function encodeHistoryHeads (heads: readonly CID[]): Uint8Array {
  const writer = new ProtobufWriter(64 + 40 * heads.length).uintField(3, 1)
  for (const { bytes } of heads) writer.bytesField(1, bytes)
  return writer.finish()
}

/** Reads such a frame: the heads of who answers. Throws INVALID_DATA, also for too many. */
export function decodeHistoryHeads (bytes: Uint8Array): CID[] {
  const reader = new ProtobufReader(bytes)
  const heads: CID[] = []
  while (reader.next()) {
    if (reader.is(1, wireTypes.bytes)) heads.push(crdtCidOf(reader.bytes()))
    else reader.skip()
    if (heads.length > maxHeadsPerAnswer) invalidBytes('too many heads in one answer')
  }
  return heads
}

function crdtCidOf (bytes: Uint8Array): CID {
  let cid: CID
  // a copy: the frame must not stay because of it
  try { cid = CID.decode(bytes.slice()) } catch (err) { return invalidBytes('not a CID', err) }
  return isCrdtCid(cid) ? cid : invalidBytes('not the CID of a CRDT block')
}
