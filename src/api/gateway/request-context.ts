import type { IncomingHttpHeaders } from 'node:http'
import type { CID } from 'multiformats/cid'
import type { Query } from '../../http/request/query.ts'
import type { HeaderList } from '../../http/answer/reply.ts'
import type { DagReader, GetBlock, Joined, Prefetch, ReadAhead } from '../../ipfs/dag-reader.ts'
import type { Freshness } from './answer/caching.ts'
import type { ContentPath } from './location/content-path.ts'
import type { AskedFormat } from './location/formats.ts'

/**
 * Whose page a request's content becomes. `path`: `/ipfs/…` on a host that others share. `subdomain` and `dnslink`: an origin of its own,
 * whose `/` is the content's root. `host`: the gateway's, with its port; for a DNSLink site its own.
 */
export interface Site { kind: 'path' | 'subdomain' | 'dnslink', host: string }

/** One request, read: what answering its content needs to know of it, and how its blocks are got. */
export interface GatewayContext {
  isHead: boolean
  headers: IncomingHttpHeaders
  query: Query
  /** The path of the URL as it came, percent-encoded. */
  urlPath: string
  site: Site
  path: ContentPath
  asked: AskedFormat
  /** Aborts when the client leaves or the time for the whole request is over. */
  signal: AbortSignal
  /** Each block in time, or TIMEOUT. BLOCK_MISSING when it isn't here and may not be fetched, NO_PROVIDER when nobody has it. */
  get: GetBlock
  /** Has a block fetched that will be read soon. */
  prefetch: Prefetch
  /** Leaves that one read brings, while there is room for as much. */
  joined: Joined
  /** Blocks are looked for where this root is pinned. */
  below: (root: string) => void
  /** The block when it is here, without fetching it. */
  peek: (cid: CID) => Promise<Uint8Array | undefined>
  /** Room for leaves that are read ahead. */
  ahead: ReadAhead
  /** What nobody is asked for when names are looked up, as `NameOptions.local`. `all`: what isn't here is 412. */
  local: 'keys' | 'all' | undefined
  /** Waits for room for the first piece of a body, which `Answer.held` tells of. */
  room: (bytes: number) => Promise<void> | undefined
  /** What stands between the parts of an answer: nothing that content could hold. */
  boundary: () => string
  /** When it came. Unix milliseconds. */
  now: number
}

/** What a path leads to. */
export interface Target {
  cid: CID
  /** The root and what each name led to. */
  roots: readonly CID[]
  /** Every block that was read on the way, in order: what proves the path. */
  pathBlocks: readonly CID[]
  /** Names that lead on inside of the last block. */
  rest: readonly string[]
  /** The path with its name looked up: `/ipfs/CID/a/b`, decoded. */
  immutablePath: string
  freshness: Freshness
}

/** What is sent. Names of headers as Go writes them. */
export interface Answer {
  status: number
  headers: HeaderList
  body?: string | Uint8Array | AsyncIterable<Uint8Array | string>
  /** Length of a streamed body, where it is known. Bytes. */
  length?: number
  /** Room that was taken for what the body has read already. Bytes. */
  held?: number
}

/** What the steps work with. */
export interface ServeDeps { reader: DagReader }
