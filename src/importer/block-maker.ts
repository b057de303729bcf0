import { CID } from 'multiformats/cid'
import { invalidArgument } from '../base/errors.ts'
import type { Block } from '../blockstore/blockstore.ts'
import type { DagParams } from '../model/add.ts'
import { dagPbCodec, rawCodec, sha256Hash } from '../model/multicodec.ts'
import type { HashFunction } from '../hash/multihash.ts'
import { hashCode, hashFunction } from '../hash/multihash.ts'
import { varintLength, writeVarint } from '../base/varint.ts'

/** Makes blocks: a chunk of a file, or an encoded node, gets its hash and CID. */
export interface BlockMaker {
  /** A UnixFS node. CID version as asked for. */
  node (bytes: Uint8Array): Block
  /** A raw leaf. Always CID version 1. */
  leaf (bytes: Uint8Array): Block
}

/**
 * Checks version and hash with Go's texts (INVALID_ARGUMENT) and makes the maker. Hashes that CIDs of version 0 can't have are a fault of
 * `node`.
 */
export async function createBlockMaker ({ cidVersion, hash }: Pick<DagParams, 'cidVersion' | 'hash'>): Promise<BlockMaker> {
  if (cidVersion !== 0 && cidVersion !== 1) throw invalidArgument(`bad CID Version: unknown CID version: ${cidVersion}`)
  const code = hashCode(hash)
  const known = await hashFunction(code)
  // raw leaves have CIDs of version 1: a file of one needs no node
  const noNode = (): never => { throw invalidArgument('invalid cid: invalid v0 prefix') }
  return {
    node: cidVersion === 0 && code !== sha256Hash
      ? noNode
      : cidVersion === 0
      ? bytes => ({ cid: cidV0(known.digest(bytes)), bytes })
      : bytes => ({ cid: cidV1(dagPbCodec, known, bytes), bytes }),
    leaf: bytes => ({ cid: cidV1(rawCodec, known, bytes), bytes })
  }
}

function cidV0 (digest: Uint8Array): CID {
  const bytes = new Uint8Array(34)
  bytes[0] = sha256Hash
  bytes[1] = 0x20
  bytes.set(digest, 2)
  return new CID(0, dagPbCodec, { code: sha256Hash, size: 32, digest: bytes.subarray(2), bytes }, bytes)
}

/** A version 1 CID of these bytes, whose parts share one buffer. Codec codes are below 128. */
export function cidV1 (codec: number, { code, digest }: HashFunction, content: Uint8Array): CID {
  const hashed = digest(content)
  const codeLength = varintLength(code)
  const digestAt = 2 + codeLength + varintLength(hashed.length)
  const bytes = new Uint8Array(digestAt + hashed.length)
  bytes[0] = 1
  bytes[1] = codec
  writeVarint(bytes, hashed.length, writeVarint(bytes, code, 2))
  bytes.set(hashed, digestAt)
  return new CID(1, codec, { code, size: hashed.length, digest: bytes.subarray(digestAt), bytes: bytes.subarray(2) }, bytes)
}
