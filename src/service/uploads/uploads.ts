import type { Startable } from '../../base/lifecycle.ts'
import type { UploadEntry } from '../../model/add.ts'
import type { Sql } from '../sql/sql.ts'
import type { FileRow, LinkRow, UploadRow } from '../sql/tables.ts'

/** Who uploads, and into whose account. `link`: with a one-time link, whose limits hold. */
export interface Uploader { user: string, workspace: string, link?: LinkRow }

/** How the bytes are meant. `file`: content of one file. `directory`: files with paths. `car`: a CARv1 with one root. */
export type UploadFormat = 'file' | 'directory' | 'car'

/** How the content comes, and what becomes of it. */
export interface UploadRequest {
  format: UploadFormat
  /**
   * `now`: blocks are made while it comes, and the answer says whether it is pinned. `on-access`: the bytes are staged until somebody asks
   * for them.
   */
  pin: 'now' | 'on-access'
  /** What its owner calls it; '': what the first entry is called (of a directory: what all paths begin with). */
  name: string
  /** ID of a group. */
  group: string | null
  meta: Record<string, string>
  /** Bytes of content that are surely coming, and those that are at most (null: nobody knows). For the quota, before anything is read. */
  expected: { least: number, most: number | null }
}

/** An entry, and what its sender says it is. */
export interface UploadPart { entry: UploadEntry, contentType: string }

/** What an upload became. */
export interface Uploaded {
  file: FileRow
  /** On all replicas that the cluster asks for. */
  pinned: boolean
}

/** How far an upload is. `bytes`: of content; `total` null: not known. */
export interface UploadProgress {
  upload: string, user: string, state: UploadRow['state'], bytes: number, total: number | null, cid: string | null
}

/** What a client says of an upload in several requests. */
export interface ResumableDescription {
  /** A directory comes as a tar. */
  format: UploadFormat
  pin: 'now' | 'on-access'
  name: string
  contentType: string
  group: string | null
  meta: Record<string, string>
  /** What the client said, to be told again as it was. */
  client: string
}

/** An upload in several requests. */
export interface ResumableRequest extends ResumableDescription {
  /** Made by the caller, unguessable. */
  id: string
  /** Bytes; null: told later. */
  length: number | null
}

/** A resumable upload as its owner sees it. */
export interface ResumableUpload {
  id: string
  state: UploadRow['state']
  length: number | null
  /** Bytes that are safe. */
  offset: number
  name: string
  contentType: string
  client: string
  /** Once it is `done`. */
  cid: string | null
  /** Why it `failed`. */
  error: string | null
  /** ID of the link that it came with. */
  link: string | null
  createdAt: number
  /** What isn't done by then is removed. Bytes that come put it off. */
  expiresAt: number
}

/**
 * Takes bytes in: from multipart bodies, resumable uploads and one-time links.
 *
 * - Every upload is a row of `uploads` before its first byte, with a reservation of quota: by the length that was announced, else in steps
 *   while it comes. The row lives for an hour and is prolonged while bytes come (a resumable one: for a day after its last byte). The
 *   transaction that ends the upload removes the row and calls `Files.accept`. So whatever ends early (a client that goes away, an error)
 *   leaves nothing, and after a crash the next start of this peer takes back reservations, bytes and rows of the uploads that it was
 *   taking; resumable ones stay.
 * - The CID of what is staged is known when the upload ends: the importer goes over the bytes on their way, and keeps no blocks.
 * - Single chunks (256 KiB) have raw CIDv1s, larger files dag-pb ones with raw leaves. A directory's root is the folder that all paths
 *   begin with, else a folder around them.
 *
 * Errors: QUOTA_EXCEEDED (nothing is kept), INVALID_ARGUMENT for what isn't what it says (CARs, paths), TOO_LARGE for more than a link
 * allows, CONFLICT when somebody else has ended the upload, NOT_AUTHORIZED when the account is suspended, NOT_READY, STORAGE_FULL, and what
 * the cluster's `add` rejects with.
 */
export interface Uploads extends Startable {
  /** Reads all parts. Rejects when one throws. */
  upload (
    uploader: Uploader, request: UploadRequest, parts: AsyncIterable<UploadPart>, options?: { signal?: AbortSignal }
  ): Promise<Uploaded>
  readonly resumable: ResumableUploads
  readonly links: UploadLinks
  /** Told of each upload as it goes on, a few times a second, and of its end. The returned function ends it. */
  onProgress (listener: (progress: UploadProgress) => void): () => void
  /** For the deletion of an account: its uploads and links end in this transaction. Gives the staging keys to remove afterwards. */
  forget (tx: Sql, user: string): Promise<string[]>
}

/**
 * Uploads whose bytes come in several requests, to any peer of the database. Bytes that were told to be safe survive a crash. When all of
 * them are there, the file is made in the background, by any peer that can read the staging area: `state` goes from `open` by `finishing`
 * to `done` or `failed`, and stays to be asked for, for an hour.
 */
export interface ResumableUploads {
  /** Reserves the quota for its length. */
  create (uploader: Uploader, request: ResumableRequest): Promise<ResumableUpload>
  /** NOT_FOUND for others', and for those that have expired. */
  get (user: string, id: string): Promise<ResumableUpload>
  /** Those of a user that can still be asked for, newest first. */
  list (user: string): Promise<ResumableUpload[]>
  /** It is told later than at the beginning; once. CONFLICT when it is known, or shorter than what came. */
  declareLength (user: string, id: string, length: number): Promise<void>
  /**
   * Takes bytes from this offset on: CONFLICT when it isn't the upload's, or another request writes. What came before an error is kept.
   * Gives the new offset.
   */
  append (user: string, id: string, offset: number, source: AsyncIterable<Uint8Array>, options?: { signal?: AbortSignal }): Promise<number>
  /** Resolves when it is done or has failed, or after `withinMs`. */
  settled (user: string, id: string, options: { withinMs: number, signal?: AbortSignal }): Promise<ResumableUpload>
  /** Ends it; what came of it is removed. NOT_FOUND as `get`; CONFLICT when its file is being made. */
  remove (user: string, id: string): Promise<void>
}

/** A link with which others upload into somebody's account, without a key of it. */
export interface NewLink {
  /** What it is for, read by who has it; '' without. */
  name: string
  /** Of each upload; null: what the quota leaves. */
  maxBytes: number | null
  /** Media types as `image/png` or `image/*`; empty: any. As the sender says: nobody looks into the content. */
  contentTypes: readonly string[]
  group: string | null
  maxUses: number
  /** Unix milliseconds. */
  expiresAt: number
}

/** Links that let others upload into a user's files, without an account. */
export interface UploadLinks {
  /** The secret is shown once, and stored as a hash. NOT_FOUND for a group that isn't the user's. */
  create (user: { id: string, workspace: string }, link: NewLink): Promise<{ link: LinkRow, secret: string }>
  /** Newest first. */
  list (user: string): Promise<LinkRow[]>
  /** Idempotent; uploads that have begun go on. NOT_FOUND for others'. */
  revoke (user: string, id: string): Promise<void>
  /**
   * NOT_FOUND for a link that never was, has expired, was revoked or is used up, or whose account is suspended. Counts nothing: an upload
   * that begins is a use, one that fails gives it back.
   */
  find (secret: string): Promise<LinkRow>
  /** The same for what was begun with the link: neither its uses nor its end matter. */
  owner (secret: string): Promise<LinkRow>
}

/**
 * Which of these objects of the staging area somebody needs: files, or uploads that haven't ended. For the reconciliation: an object that
 * isn't among them is an orphan, because a key has its row before its first byte.
 */
export type LiveStagingKeys = (keys: readonly string[]) => Promise<Set<string>>
