import type { Startable } from '../../base/lifecycle.ts'
import type { ByteRange, GetBlock, Joined, UnixFsNode } from '../../ipfs/dag-reader.ts'
import type { CID } from '../../model/cid.ts'
import type { Sql } from '../sql/sql.ts'
import type { FileRow, FileState, GroupRow } from '../sql/tables.ts'

/** What the content's root is. */
export type FileKind = FileRow['kind']

/**
 * The files of the service's users: what they uploaded, or pinned by its CID, each with a name of their own.
 *
 *                upload, on-access             upload, pin=now            Pin from CID
 *                        │                           │                         │
 *                        ▼   first access, pin       │ (blocks are made        │
 *      ┌────────────▶ staged ───────▶ importing      │  while it comes)        │
 *      │ unpin         ▲                │  │  │      │                         │
 *      │               └── unpin ───────┘  │  └──────┴──▶ pinning ◀────────────┘
 *      │               import impossible   │               │  ▲
 *      │                                   ▼      on all   │  │ a replica is lost, pin again
 *      ├──────────────────────────────── failed ◀──────┐   ▼  │
 *      │ (bytes still in staging)          ▲           │  pinned
 *      │                                   └───────────┴───┤
 *      │                        the cluster can't hold it  │ unpin
 *      └───────────────────────────────────────────────────┤
 *                                                          ▼
 *                                                       unpinned
 *
 * The whole table, as a pure function, is in `file-state.ts`. What holds in every state:
 * - One row for each user and CID. The same bytes uploaded again are the same file.
 * - `staging_key` names an object of the staging area as long as the row needs it: until the cluster has said that the CID is pinned on all
 *   replicas. Objects that no row names any more are removed by who made them superfluous, else by the reconciliation.
 * - A file that `countsForQuota` holds its CID (`Quota.hold`), one with `owns_pin` has acquired it (`ClusterPins.acquire`): in the
 *   transaction that changes the row.
 * - Pins made through the Pinning Service API are in the list, too: for CIDs that are no file of the user, as rows of origin `pins`. Such a
 *   row follows the newest of the user's pins of that CID, holds and owns nothing itself, and goes with the last of them. Unpinning or
 *   deleting any entry ends all the user's pins of its CID.
 * - What lies in staging: see `stagedContent` of the uploads.
 *
 * CIDs are given in any base, v0 and v1 of the same block being one; rows have them as they were uploaded. Another user's file is
 * NOT_FOUND, and so is what is no CID.
 *
 * Errors beside those named: NOT_READY when the database is away.
 */
export interface Files extends Startable {
  /**
   * For whoever takes bytes in: the file that was uploaded. To be called in the transaction that ends the upload; afterwards `wake()`.
   *
   * `stored.kind`:
   * - `staged`: the bytes are durable in staging under `key`. With `want` they are imported at once, else on first access.
   * - `blocks`: the blocks are in the IPFS node, durable and held until they are pinned (`ClusterApi.add` with `noPin` and `awaitsPin`).
   *   The pin is asked for here.
   *
   * A reservation is given up for what the file then holds: the same amount in one step. QUOTA_EXCEEDED when it isn't enough, nothing
   * changed. The answer tells what to remove from staging after the transaction: an object that nobody needs, because the user has these
   * bytes already. Name, type, group and meta of an earlier row are replaced; its `uploaded_at` stays.
   */
  accept (tx: Sql, upload: Upload): Promise<{ file: FileRow, superfluous: string | null }>

  /** Newest first unless `sort` says otherwise. `next` is opaque, and null at the end. INVALID_ARGUMENT for a cursor of another sort. */
  list (user: string, query: FileQuery): Promise<{ files: FileRow[], next: string | null }>
  /** How many fit. */
  count (user: string, filter: FileFilter): Promise<number>
  /** NOT_FOUND. */
  get (user: string, cid: string): Promise<FileRow>
  /**
   * What the cluster says of those that wait for it (`ClusterPinStatus.info`), by CID; others are left out. `ask`: of the peers at this
   * moment, for a quarter of a second at most, else as it was noted.
   */
  waiting (files: readonly FileRow[], options?: { ask?: boolean, signal?: AbortSignal }): Promise<Map<string, Readonly<Record<string,
  string>>>>
  /** NOT_FOUND, also for a group that isn't the user's. */
  change (user: string, cid: string, change: FileChange): Promise<FileRow>

  /** Unpins, and removes bytes and row. NOT_FOUND. */
  remove (user: string, cid: string): Promise<void>
  /** The same for each; what isn't there is in `failed`. At most 100 at once. */
  removeMany (user: string, cids: readonly string[]): Promise<{ deleted: number, failed: string[] }>
  /** As a task; gives its ID. Its result is as of `removeMany`. By filter: whatever fits when its turn comes. */
  removeLater (user: string, what: { cids: readonly string[] } | { filter: FileFilter }): Promise<string>

  /** All files of a user, for the end of an account. Gives how many there were. */
  removeAll (user: string, options: { signal: AbortSignal }): Promise<number>

  /** Pins or unpins each; what isn't there, or can't be, is in `failed`. At most 100 at once. */
  changePins (user: string, to: PinChange, cids: readonly string[]): Promise<ChangedPins>
  /**
   * As a task; gives its ID. Its result is as of `changePins`, with `changed` as a number. By filter: files that were uploaded until now.
   */
  changePinsLater (user: string, to: PinChange, what: { cids: readonly string[] } | { filter: FileFilter }): Promise<string>

  /** CONFLICT when it is pinned; nothing happens when it is on its way. QUOTA_EXCEEDED. */
  pin (user: string, cid: string): Promise<FileRow>
  /** What isn't pinned stays as it is. */
  unpin (user: string, cid: string): Promise<FileRow>
  /**
   * A file by the CID of something in the network. CONFLICT when the user has it pinned; one that was unpinned or failed is pinned again.
   */
  fromCid (user: { id: string, workspace: string }, pin: NewPin): Promise<FileRow>

  /**
   * Content of the user's own file. What is staged is read from there; directories and CARs that are staged are imported first. NOT_FOUND;
   * NO_PROVIDER or TIMEOUT when what was unpinned can't be fetched any more.
   */
  open (user: string, cid: string, options?: { signal?: AbortSignal }): Promise<FileContent>
  readonly access: GatewayAccess
  readonly groups: Groups

  /**
   * The row once it is neither imported nor pinned any more, or as it is after this time. Default 10 s. NOT_FOUND, also when it is deleted
   * meanwhile.
   */
  whenPinned (user: string, cid: string, options?: { withinMs?: number, signal?: AbortSignal }): Promise<FileRow>
  /** After the transaction: look for imports and pins that are to be made now. */
  wake (): void
}

/** Content that has come in, about to become a file. */
export interface Upload {
  user: string
  workspace: string
  cid: string
  kind: FileKind
  filename: string
  contentType: string
  /** Content of a file, all files of a directory, all blocks of a CAR. */
  sizeBytes: number
  group: string | null
  meta: Record<string, string>
  stored: { kind: 'staged', key: string, want: boolean } | { kind: 'blocks' }
  reservation?: string
}

/** What is done to many files at once. */
export type PinChange = 'pin' | 'unpin'

/** `changed`: CIDs that are on their way to it; those that were there already aren't among them. */
export interface ChangedPins { changed: string[], failed: Array<{ cid: string, error: string }> }

/** Which files. Everything that is given must hold. */
export interface FileFilter {
  /** Part of the name, in any case. */
  q?: string
  /** ID of a group, or `none`. */
  group?: string
  state?: FileState
  /** Pairs that the metadata must have. */
  meta?: Record<string, string>
  /** CIDs that don't fit, though the rest of this says so. */
  except?: string[]
}

/** Columns that files can be sorted by. */
export const fileSorts = ['uploaded_at', 'original_filename', 'size_bytes', 'view_count', 'last_accessed_at'] as const
/** One of `fileSorts`. */
export type FileSort = typeof fileSorts[number]

/** Which part of which list of files. */
export interface FileQuery extends FileFilter {
  /** 1 to 1000; default 1000. */
  limit?: number
  cursor?: string
  /** Files to leave out at the beginning, or behind the cursor. */
  offset?: number
  sort?: { by: FileSort, descending: boolean }
}

/** What changes; absent stays. `group` null: none. */
export interface FileChange { filename?: string, group?: string | null, meta?: Record<string, string> }

/** A file by its CID: nothing is uploaded. `origins`: multiaddresses of peers that have it. */
export interface NewPin { cid: string, filename?: string, group?: string | null, meta?: Record<string, string>, origins?: string[] }

/** `bytes`: a file whose ranges can be read. `tree`: a directory, whose blocks `get` gives, and `joined` many leaves at a time. */
export type FileContent = { file: FileRow } & (
  | { kind: 'bytes', sizeBytes: number, read: (range: ByteRange, options?: { signal?: AbortSignal }) => AsyncIterable<Uint8Array> }
  | { kind: 'tree', node: UnixFsNode, get: GetBlock, joined: Joined })

/** What the service's users have of one CID. */
export interface KnownContent { owners: ReadonlyArray<{ user: string, cid: string, isStaged: boolean }> }

/** What happens when somebody asks the gateway for a CID, whoever it belongs to. */
export interface GatewayAccess {
  /** Undefined: nobody has it. */
  find (cid: string): Promise<KnownContent | undefined>
  /** A read begins: what is only staged is imported and pinned from now on. Resolves when that is noted. */
  begin (known: KnownContent): Promise<void>
  /** One more view, for all who have the CID. Written in groups. */
  viewed (known: KnownContent): void
  /** For the gateway itself: resolves when a running import of this root has ended, whichever way; undefined when there is none here. */
  pendingImport (root: CID): Promise<void> | undefined
}

/** Names for files that belong together, of one user. A name is unique within them. */
export interface Groups {
  /** All of them. */
  list (user: string): Promise<GroupRow[]>
  /** CONFLICT when the name is taken. */
  create (user: { id: string, workspace: string }, name: string): Promise<GroupRow>
  /** NOT_FOUND, CONFLICT. */
  rename (user: string, id: string, name: string): Promise<GroupRow>
  /** Its files stay, without a group. NOT_FOUND. */
  remove (user: string, id: string): Promise<void>
}
