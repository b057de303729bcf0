import { createHash } from 'node:crypto'
import { create as createDigest } from 'multiformats/hashes/digest'
import type { Block } from '../../../src/blockstore/blockstore.ts'
import type { AddParams } from '../../../src/model/add.ts'
import type { PeerId } from '../../../src/model/cid.ts'
import { CID, peerIdFromBytes } from '../../../src/model/cid.ts'
import type { Pin, PinOptions } from '../../../src/model/pin.ts'
import { defaultPinOptions, pinWithOptions } from '../../../src/model/pin.ts'

const sha256 = (content: string | Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(content).digest())

/** The raw CIDv1 of a text's bytes. */
export const aCid = (text: string | number = 'cid'): CID => CID.createV1(0x55, createDigest(0x12, sha256(String(text))))

/** A block of a text. */
export const aBlock = (text: string): Block => ({ cid: aCid(text), bytes: Buffer.from(text) })

/** A block of these bytes, filed under a codec. */
export const blockOf = (bytes: Uint8Array, codec: number): Block => ({ cid: CID.createV1(codec, createDigest(0x12, sha256(bytes))), bytes })

/** A peer ID in the form of an Ed25519 key, always the same for a seed. */
export const aPeerId = (seed: string | number = 1): PeerId =>
  peerIdFromBytes(Uint8Array.from([0x00, 0x24, 0x08, 0x01, 0x12, 0x20, ...sha256(`peer ${seed}`)]))

/** Options with what a test asks for. */
export const options = (changes: Partial<PinOptions> = {}): PinOptions => ({ ...defaultPinOptions(), ...changes })

/** Replication factors as options. */
export const factors = (min: number, max = min): Partial<PinOptions> => ({ replicationFactorMin: min, replicationFactorMax: max })

/** A pin that goes everywhere, with what a test changes. */
export const aPin = (changes: Partial<Pin> = {}): Pin => ({ ...pinWithOptions(changes.cid ?? aCid(), options(factors(-1))), ...changes })

export function addParams (changes: Partial<Omit<AddParams, 'pin'>> = {}, pin: Partial<PinOptions> = {}): AddParams {
  return {
    layout: '',
    chunker: 'size-262144',
    rawLeaves: false,
    cidVersion: 0,
    hash: 'sha2-256',
    noCopy: false,
    format: 'unixfs',
    wrap: false,
    shard: false,
    progress: false,
    streamChannels: true,
    local: false,
    noPin: false,
    ...changes,
    pin: options(pin)
  }
}

/** Everything that a stream gives; batches are joined. */
export async function collect<T> (stream: AsyncIterable<T | T[]>): Promise<T[]> {
  const all: T[] = []
  for await (const item of stream) all.push(...Array.isArray(item) ? item : [item])
  return all
}
