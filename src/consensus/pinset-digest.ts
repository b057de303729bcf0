import { hash } from 'node:crypto'
import type { CID, PeerId } from '../model/cid.ts'
import type { PinsetClaim } from '../model/pinset-metric.ts'

/** A pinset in one value, with the heads that it stands for. docs/design/pinset-digest.md. */
export interface PinsetPoint {
  /** (CID, value) pairs. */
  pins: number
  /** 64 hexadecimal digits: equal pinsets have equal ones. */
  digest: string
  heads: CID[]
  /** Nothing is known to be missing under the heads. */
  isComplete: boolean
}

/** Pairs whose keys begin with `prefix`. `digest`: as text, comparable with that of the same keys elsewhere. */
export interface KeyGroup { prefix: string, pins: number, digest: string }

/** One pair. */
export interface KeyDigest { key: string, digest: string }

/** Keys that begin with `prefix`, to be grouped by their first `depth` characters. */
export interface GroupQuestion { prefix: string, depth: number }

export interface PartsOptions { signal?: AbortSignal }

/** Digests of parts of a pinset, of this peer or of another: what finds the difference of two. Answers are sorted by prefix and key. */
export interface PinsetParts {
  /** Groups that together are the whole pinset. Few, whatever its size. */
  cells (options?: PartsOptions): Promise<KeyGroup[]>
  /** The keys of each question in groups, with the digest of each group. */
  groups (questions: readonly GroupQuestion[], options?: PartsOptions): Promise<KeyGroup[]>
  /** The single keys below these prefixes, each with the digest of its value. */
  keys (prefixes: readonly string[], options?: PartsOptions): Promise<KeyDigest[]>
}

/** Heads that a trusted peer announced last. `at`: Unix milliseconds. */
export interface Announcement { heads: readonly CID[], at: number }

/** What came of merging some keys again. */
export interface MergedAgain {
  /** Blocks of the DAG that were gone or damaged. They are being fetched. */
  lostBlocks: number
  /** Keys whose value wasn't what the blocks here say, and is now. */
  repaired: string[]
}

/** What a peer knows of its own pinset, and what it can do about it. */
export interface PinsetDigests extends PinsetParts {
  /** Undefined while the pairs are being counted. */
  point (): PinsetPoint | undefined
  /** The CID of a key of a part; undefined when it is none. */
  cidOf (key: string): CID | undefined
  /** Whether that head's block has been merged. */
  isMerged (head: CID): boolean
  /** What each peer announced last. */
  announced (): ReadonlyMap<PeerId, Announcement>
  /** Fetches heads that aren't here, as if that peer had just announced them. */
  fetch (heads: readonly CID[], from: PeerId): void
  /**
   * Looks through the whole DAG for what is gone or damaged, and derives the values of these keys anew from its blocks. Takes time by the
   * size of the history.
   */
  mergeAgain (keys: readonly string[], options?: PartsOptions): Promise<MergedAgain>
}

/** What a peer tells others of its pinset, in the metric `pinset`. */
export function claimOf ({ pins, digest, heads: cids, isComplete }: PinsetPoint): PinsetClaim {
  const heads = cids.map(String).toSorted()
  return { pins, digest, point: hash('sha256', heads.join('\n'), 'hex').slice(0, 32), heads, isComplete }
}
