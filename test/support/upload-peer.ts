import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemRandom } from '../../src/base/system.ts'
import { ClusterError } from '../../src/base/errors.ts'
import type { ClusterApi } from '../../src/cluster/cluster-api.ts'
import { addedOutput, readUpload } from '../../src/cluster/add/upload.ts'
import { createSharder } from '../../src/importer/sharder.ts'
import { sqlQuota } from '../../src/service/quota/sql-quota.ts'
import type { Quota } from '../../src/service/quota/quota.ts'
import { opaqueId } from '../../src/service/sql/ids.ts'
import type { Sql } from '../../src/service/sql/sql.ts'
import { folded } from '../../src/service/sql/sql.ts'
import type { FileRow, UserRow } from '../../src/service/sql/tables.ts'
import type { Files, Upload } from '../../src/service/files/files.ts'
import { folderStaging } from '../../src/service/staging/folder/folder-staging.ts'
import type { Staging } from '../../src/service/staging/staging.ts'
import { sqlTasks } from '../../src/service/tasks/sql-tasks.ts'
import type { Tasks } from '../../src/service/tasks/tasks.ts'
import { uploadService } from '../../src/service/uploads/upload-service.ts'
import type { UploadPart, UploadRequest, Uploads } from '../../src/service/uploads/uploads.ts'
import { importCar, importEntries } from './imports.ts'
import type { TestPeer } from './service-database.ts'

export interface UploadPeer {
  uploads: Uploads
  staging: Staging
  quota: Quota
  tasks: Tasks
  /** Blocks that the cluster was given, by CID. */
  blocks: Map<string, Uint8Array>
  files (user: string): Promise<FileRow[]>
  account (user: string): Promise<UserRow>
  /** Rows of uploads, reservations and objects of the staging area: nothing of them may be left over. */
  leftovers (): Promise<{ uploads: number, reservations: number, staged: string[] }>
  stop (): Promise<void>
}

export interface UploadPeerInit {
  /** Of the staging area; default a new one. */
  folder?: string
  peer?: string
  staging?: Staging
  /** What happens between a file is there and its upload asks whether it is pinned. */
  beforePinned?: (user: string, cid: string) => Promise<void>
}

/**
 * The uploads of one peer: real tables, staging and importers; files without a cluster behind them (what they are given is pinned at once).
 */
export async function uploadPeer (peer: TestPeer, init: UploadPeerInit = {}): Promise<UploadPeer> {
  const { database, workers, clock, log } = peer
  const own = init.folder == null ? await mkdtemp(join(tmpdir(), 'helia-cluster-uploads-')) : undefined
  const staging = init.staging ?? folderStaging({ folder: join(init.folder ?? own ?? '', 'staging') })
  const quota = sqlQuota({ database, random: systemRandom })
  const tasks = sqlTasks({}, { database, clock, random: systemRandom, log, workers })
  const blocks = new Map<string, Uint8Array>()
  const uploads = uploadService({ peer: init.peer ?? 'peer-a' }, {
    database, quota, tasks, staging, workers, clock, random: systemRandom, log, importer: importEntries, importCar,
    cluster: addingInto(blocks), files: simpleFiles(quota, peer, init)
  })
  const never = new AbortController().signal
  for (const part of [staging, tasks, uploads]) await part.start(never)
  const { db } = database
  return {
    uploads,
    staging,
    quota,
    tasks,
    blocks,
    files: async user => db.selectFrom('files').selectAll().where('user_id', '=', user).orderBy('uploaded_at').execute(),
    account: async user => db.selectFrom('users').selectAll().where('id', '=', user).executeTakeFirstOrThrow(),
    leftovers: async () => ({
      uploads: (await db.selectFrom('uploads').select('id').execute()).length,
      reservations: (await db.selectFrom('reservations').select('id').execute()).length,
      staged: (await Array.fromAsync(staging.keys())).map(({ key }) => key)
    }),
    stop: async () => {
      for (const part of [uploads, tasks, staging]) await part.stop()
      if (own != null) await rm(own, { recursive: true, force: true })
    }
  }
}

/** The cluster's `add`, with its importers, into a map. */
export function addingInto (blocks: Map<string, Uint8Array>): Pick<ClusterApi, 'add'> {
  const sink = {
    write: (
      some: ReadonlyArray<{ cid: { toString (): string }, bytes: Uint8Array }>
    ): void => { for (const { cid, bytes } of some) blocks.set(cid.toString(), bytes) }
  }
  return {
    add: async function * (entries, params, { signal } = {}) {
      const importers = { unixfs: importEntries, car: importCar, sharder: createSharder }
      for await (const output of readUpload({ entries, params, sink }, importers, { signal, onRoot: () => {}, forShards: false })) {
        yield addedOutput(output, [])
      }
    }
  }
}

/** `accept` as its contract says, for a cluster that pins everything at once. */
function simpleFiles (
  quota: Quota, { database }: Pick<TestPeer, 'database'>, { beforePinned = async () => {} }: UploadPeerInit
): Pick<Files, 'accept' | 'whenPinned' | 'wake'> {
  const rowOf = async (db: Pick<Sql, 'selectFrom'>, user: string, cid: string): Promise<FileRow | undefined> =>
    db.selectFrom('files').selectAll().where('user_id', '=', user).where('cid', '=', cid).executeTakeFirst()
  return {
    wake: () => {},
    whenPinned: async (user, cid) => {
      await beforePinned(user, cid)
      const row = await rowOf(database.db, user, cid)
      if (row == null) throw new ClusterError('NOT_FOUND')
      return row
    },
    accept: async (tx: Sql, { user, workspace, cid, stored, reservation, ...upload }: Upload) => {
      const before = await rowOf(tx, user, cid)
      const key = stored.kind === 'staged' ? stored.key : null
      const names = {
        original_filename: upload.filename, name_key: folded(upload.filename), content_type: upload.contentType, group_id: upload.group,
        meta: JSON.stringify(upload.meta)
      }
      if (before != null) {
        if (reservation != null) await quota.release(tx, reservation)
        await tx.updateTable('files').set(names).where('id', '=', before.id).execute()
        return { file: { ...before, ...names }, superfluous: key }
      }
      await quota.hold(tx, user, cid, upload.sizeBytes, reservation == null ? {} : { reservation })
      const file = await tx.insertInto('files').values({
        id: opaqueId(systemRandom), user_id: user, workspace_id: workspace, cid, kind: upload.kind, ...names, size_bytes: upload.sizeBytes,
        state: key == null ? 'pinned' : 'staged', uploaded_at: database.now(), staging_key: key
      }).returningAll().executeTakeFirstOrThrow()
      return { file, superfluous: null }
    }
  }
}

export const request = (more: Partial<UploadRequest> = {}): UploadRequest =>
  ({ format: 'file', pin: 'on-access', name: '', group: null, meta: {}, expected: { least: 0, most: null }, ...more })

export async function * inPieces (bytes: Uint8Array, pieceBytes = 64 * 1024): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

/** Parts of an upload: path and content. */
export async function * partsOf (
  files: Record<string, string | Uint8Array | AsyncIterable<Uint8Array>>, contentType = 'text/plain'
): AsyncGenerator<UploadPart> {
  for (const [path, content] of Object.entries(files)) {
    const source = typeof content === 'string' || content instanceof Uint8Array ? inPieces(Buffer.from(content as Uint8Array)) : content
    yield { entry: { kind: 'file', path, content: source }, contentType }
  }
}
