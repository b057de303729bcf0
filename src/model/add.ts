import type { CID, PeerId } from './cid.ts'
import type { PinOptions } from './pin.ts'

/** How content becomes a DAG (rest-api §8.2). Names of hashes and chunkers are checked by the importer, as late as Go does. */
export interface DagParams {
  layout: '' | 'balanced' | 'trickle'
  chunker: string
  rawLeaves: boolean
  cidVersion: number
  /** Multihash name, lower case. */
  hash: string
  noCopy: boolean
}

/** All of `POST /add`'s options. */
export interface AddParams extends DagParams {
  pin: PinOptions
  format: 'unixfs' | 'car'
  wrap: boolean
  shard: boolean
  progress: boolean
  streamChannels: boolean
  /** Blocks go only to this peer's IPFS node. */
  local: boolean
  noPin: boolean
}

/** One line of `/add`'s answer. */
export interface AddedOutput {
  name: string
  /** null in progress lines. */
  cid: CID | null
  /** Progress: bytes read so far; CAR: sum of block lengths. 0: left out. */
  bytes: number
  /** Cumulative DAG size. 0: left out. */
  size: number
  /** Empty: left out. */
  allocations: PeerId[]
}

export function addedOutputJson (output: AddedOutput): Record<string, unknown> {
  return {
    name: output.name,
    cid: output.cid?.toString() ?? null,
    ...(output.bytes === 0 ? {} : { bytes: output.bytes }),
    ...(output.size === 0 ? {} : { size: output.size }),
    ...(output.allocations.length === 0 ? {} : { allocations: output.allocations })
  }
}

/** One part of an upload. Paths are relative, clean and already unescaped; '' is a nameless file. */
export type UploadEntry =
  | { kind: 'directory', path: string }
  | { kind: 'symlink', path: string, target: string }
  /** The content must be read (or returned) before the next entry is asked for. */
  | { kind: 'file', path: string, content: AsyncIterable<Uint8Array> }
