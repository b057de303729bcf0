import { cidText } from './cid.ts'
import type { CID, PeerId } from './cid.ts'
import type { PinOptions } from './pin.ts'

/**
 * What UnixFS can tell of a file beside its content. `mode`: permissions with setuid, setgid and sticky bits; 0: not told. `mtime`: time of
 * change, in seconds since 1970 and 0 to 999,999,999 nanoseconds; null: not told.
 */
export interface EntryMetadata { mode: number, mtime: { seconds: number, nanoseconds: number } | null }

/** How content becomes a DAG (api/add.go). Names of hashes and chunkers are checked by the importer, as late as Go does. */
export interface DagParams {
  layout: '' | 'balanced' | 'trickle'
  chunker: string
  rawLeaves: boolean
  cidVersion: number
  /** Multihash name, lower case. */
  hash: string
  noCopy: boolean
  /** For directories that have no entry of their own: wrappers, and parents of entries. */
  directoryMetadata?: EntryMetadata
}

/** Whether a directory goes around the entries. `unless-one-directory`: when they are not all in one that their paths begin with. */
export type Wrapping = boolean | 'unless-one-directory'

/** All of `POST /add`'s options. */
export interface AddParams extends DagParams {
  pin: PinOptions
  format: 'unixfs' | 'car'
  wrap: Wrapping
  shard: boolean
  progress: boolean
  streamChannels: boolean
  /** Blocks go only to this peer's IPFS node. */
  local: boolean
  noPin: boolean
  /**
   * With `noPin`: somebody will pin the root soon. The blocks are on the disk when the add ends, and none of them is collected before the
   * root was pinned or unpinned here, an hour at most.
   */
  awaitsPin?: boolean
  /** A CAR without its root is refused. */
  needsRoot?: boolean
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

/** A line of an add's answer, keys in Go's order (api/types.go). */
export function addedOutputJson (output: AddedOutput): Record<string, unknown> {
  return {
    name: output.name,
    cid: output.cid == null ? null : cidText(output.cid),
    ...(output.bytes === 0 ? {} : { bytes: output.bytes }),
    ...(output.size === 0 ? {} : { size: output.size }),
    ...(output.allocations.length === 0 ? {} : { allocations: output.allocations })
  }
}

/**
 * One part of an upload. Paths are relative, clean and already unescaped; '' is a nameless file. Bytes in paths and targets that aren't
 * UTF-8 stand as in `byte-text.ts`.
 */
export type UploadEntry = { metadata?: EntryMetadata } & (
  | { kind: 'directory', path: string }
  | { kind: 'symlink', path: string, target: string }
  /** The content must be read (or returned) before the next entry is asked for. */
  | { kind: 'file', path: string, content: AsyncIterable<Uint8Array> })
