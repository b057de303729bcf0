import type { PrivateKey, PublicKey } from '@libp2p/interface'
import { ClusterError, isClusterError, messageOf } from '../../../base/errors.ts'
import { peerIdBytes } from '../../../model/cid.ts'
import type { PeerId } from '../../../model/cid.ts'
import { decodeIpnsRecord, encodeIpnsRecord, rfc3339, signedBytes } from '../../../wire/ipns-record.ts'
import type { IpnsRecord } from '../../../wire/ipns-record.ts'

/**
 * Reads a record that is to be the one of this key, and checks all that Kubo checks: size, signature of version 2 by this very key, the
 * copy for old readers, validity. Throws INVALID_DATA.
 */
export async function verifiedRecord (bytes: Uint8Array, { key, now }: { key: PeerId, now: number }): Promise<IpnsRecord> {
  const record = decodeIpnsRecord(bytes)
  const signer = await signerOf(record, key)
  if (!await isSigned(record, signer)) throw untrusted(key, 'signature verification failed')
  if (isOver(record, now)) throw untrusted(key, 'record is expired')
  return record
}

/** Whether a record's validity has passed. `now` in Unix milliseconds. */
export const isOver = (record: Pick<IpnsRecord, 'validUntilNs'>, now: number): boolean =>
  BigInt(Math.floor(now)) * 1_000_000n > record.validUntilNs

/** The key that the name stands for: in the name itself, or in the record when the name is its hash. */
async function signerOf (record: IpnsRecord, key: PeerId): Promise<PublicKey> {
  const { publicKeyFromProtobuf, publicKeyFromMultihash } = await import('@libp2p/crypto/keys')
  const { decode } = await import('multiformats/hashes/digest')
  const multihash = decode(peerIdBytes(key))
  try {
    if (record.publicKey == null) {
      if (multihash.code !== 0) throw untrusted(key, 'public key not found')
      return publicKeyFromMultihash(multihash as Parameters<typeof publicKeyFromMultihash>[0])
    }
    const embedded = publicKeyFromProtobuf(record.publicKey)
    if (Buffer.compare(embedded.toMultihash().bytes, multihash.bytes) !== 0) {
      throw untrusted(key, 'record public key does not match the expected public key')
    }
    return embedded
  } catch (err) {
    throw isClusterError(err) ? err : untrusted(key, `public key invalid: ${messageOf(err)}`, err)
  }
}

async function isSigned ({ data, signatureV2 }: IpnsRecord, signer: PublicKey): Promise<boolean> {
  try {
    return await signer.verify(signedBytes(data), signatureV2)
  } catch {
    return false // a signature of the wrong length
  }
}

const untrusted = (key: PeerId, why: string, cause?: unknown): ClusterError =>
  new ClusterError('INVALID_DATA', { key, why }, { message: why, cause })

/** What a new IPNS record says. */
export interface NewRecord {
  value: string
  sequence: bigint
  /** Unix milliseconds. */
  validUntil: number
  ttlMs: number
  withV1: boolean
}

/** Makes a record as Kubo does: the public key is in it when the name is only its hash. */
export async function signedRecord (key: PrivateKey, { value, sequence, validUntil, ttlMs, withV1 }: NewRecord): Promise<Uint8Array> {
  const publicKey = key.publicKey
  return encodeIpnsRecord({ value, sequence, validity: rfc3339(validUntil), ttlNs: BigInt(Math.round(ttlMs * 1e6)) }, {
    sign: async bytes => key.sign(bytes),
    publicKey: publicKey.toMultihash().code === 0 ? undefined : await protobufOf(publicKey),
    withV1
  })
}

async function protobufOf (key: PublicKey): Promise<Uint8Array> {
  const { publicKeyToProtobuf } = await import('@libp2p/crypto/keys')
  return publicKeyToProtobuf(key)
}
