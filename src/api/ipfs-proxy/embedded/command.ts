import type { MultihashDigest } from 'multiformats'
import type { Clock } from '../../../base/clock.ts'
import type { ClusterApi } from '../../../cluster/cluster-api.ts'
import type { RequestBody } from '../../../http/request/body.ts'
import type { Query } from '../../../http/request/query.ts'
import type { HeaderList } from '../../../http/answer/reply.ts'
import type { CarImporter } from '../../../importer/importer.ts'
import type { DagReader, GetBlock, Joined, Prefetch, ReadAhead } from '../../../ipfs/dag-reader.ts'
import type { IpfsConnector } from '../../../ipfs/ipfs.ts'
import type { NamePublisher } from '../../../ipfs/name-publisher.ts'
import type { NameResolver } from '../../../ipfs/names.ts'

/** What the commands work with. */
export interface CommandDeps {
  ipfs: IpfsConnector
  cluster: Pick<ClusterApi, 'pin' | 'version' | 'peer'>
  reader: DagReader
  names: NameResolver & NamePublisher
  clock: Pick<Clock, 'now'>
  importCar: CarImporter
  /** The multihash of bytes, by the function's name. Throws INVALID_ARGUMENT for unknown names. */
  hash: (name: string, bytes: Uint8Array) => Promise<MultihashDigest>
}

/** What a command is given besides its dependencies. */
export interface CommandCall {
  query: Query
  body: RequestBody
  signal: AbortSignal
  /** Waits for blocks of other nodes unless `offline=true`. */
  get: GetBlock
  /** Blocks are looked for where this root is pinned. A CID, not checked. */
  below: (root: string) => void
  /** Has a block fetched that will be read soon, as `get` may. */
  prefetch: Prefetch
  /** Leaves that one read brings, while there is room for as much. */
  joined: Joined
  /** Room for what is read ahead. */
  ahead: ReadAhead
}

/**
 * What a command answers: one JSON value (`one`), JSON lines as they are known (`lines`), or bytes (`bytes`). What is thrown before the
 * first piece is a status of its own, later it is told in the trailer.
 */
export interface CommandAnswer {
  kind: 'one' | 'lines' | 'bytes'
  contentType?: string
  headers?: HeaderList
  source: AsyncIterable<string | Uint8Array>
}

/** What answers one command of Kubo's RPC API where there is no Kubo. */
export type Command = (call: CommandCall) => CommandAnswer

/** One JSON value and a newline. */
export function one (value: () => Promise<string>): CommandAnswer {
  return {
    kind: 'one',
    source: (async function * () { yield `${await value()}\n` })()
  }
}

/** An answer of lines of JSON as they come. */
export const lines = (source: AsyncIterable<string>): CommandAnswer => ({ kind: 'lines', source })
