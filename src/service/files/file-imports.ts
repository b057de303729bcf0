import { hashKey } from '../../blockstore/map-key.ts'
import type { Clock } from '../../base/clock.ts'
import { ClusterError, isClusterError, messageOf } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { WorkerHandle, Workers } from '../../base/worker.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import { parseCid } from '../../model/cid.ts'
import type { CID } from '../../model/cid.ts'
import type { ClusterPins } from '../cluster-pins/cluster-pins.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import type { FileRow } from '../sql/tables.ts'
import type { Staging } from '../staging/staging.ts'
import { stagedContent } from '../uploads/staged-content.ts'
import { textsOf } from './file-rows.ts'
import type { FileWriter } from './file-writer.ts'

export interface FileImportsInit {
  /** Batches at a time: a large file, or some small ones. */
  parallel: number
}

export interface FileImportsDeps {
  database: Pick<SqlDatabase, 'kind' | 'db' | 'transaction' | 'now'>
  writer: FileWriter
  cluster: Pick<ClusterApi, 'add'>
  clusterPins: Pick<ClusterPins, 'wake' | 'status'>
  staging: Pick<Staging, 'read' | 'remove'>
  workers: Workers
  clock: Clock
  log: Logger
}

/** A file that is to be imported. */
type Claimed = FileRow & { staging_key: string }

/** Another peer's import goes on for this long after its last sign. */
const leaseMs = 30_000
const lookEveryMs = 5000
const retryAfterMs = [2000, 5000, 15_000, 60_000, 300_000] as const
const cleanUpAtOnce = 100
/**
 * Files that are taken together, and their bytes: a small one takes less time than the transactions around it, and those of many go to the
 * disk together. A larger one goes alone.
 */
const batchFiles = 32
const batchBytes = 4 * 2 ** 20

/** What trying again doesn't help. */
const finalCodes = ['INVALID_ARGUMENT', 'INVALID_DATA', 'INVALID_CID', 'UNSUPPORTED', 'DENIED', 'NOT_FOUND'] as const

/**
 * Makes blocks of what is staged and wanted: rows in the state `importing`, oldest first, each CID by one peer at a time (a lease in its
 * rows). Whatever ends an import early, the row stays, and is taken again: at once by the same process, after the lease by another. Also
 * removes from staging what is pinned.
 */
export class FileImports {
  readonly #init: FileImportsInit
  readonly #deps: FileImportsDeps
  #loops: WorkerHandle[] = []
  #cleaner: WorkerHandle | undefined
  /** Imports that run here, and those that were asked for here and will: by multihash. */
  readonly #pending = new Map<string, PromiseWithResolvers<void>>()

  constructor (init: FileImportsInit, deps: FileImportsDeps) {
    this.#init = init
    this.#deps = deps
  }

  async start (): Promise<void> {
    const { workers } = this.#deps
    await this.#freeLeases()
    this.#loops = Array.from({ length: this.#init.parallel }, (_, at) => workers.add({
      name: `service-import-${at + 1}`, intervalMs: () => lookEveryMs, jitter: 0.3, work: async signal => this.#work(signal)
    }))
    this.#cleaner = workers.add({
      name: 'service-staging-clean-up', intervalMs: () => lookEveryMs, jitter: 0.3, work: async () => this.#cleanUp()
    })
  }

  /** In a database that only this process works on they are those of a process that is gone. */
  async #freeLeases (): Promise<void> {
    const { database } = this.#deps
    if (database.kind !== 'sqlite') return
    await database.transaction(async tx => {
      await tx.updateTable('files').set({ lease_until: null })
        .where('state', '=', 'importing').where('lease_until', 'is not', null).execute()
    })
  }

  async stop (): Promise<void> {
    await Promise.all([...this.#loops, this.#cleaner].map(async loop => loop?.stop()))
    for (const { resolve } of this.#pending.values()) resolve()
    this.#pending.clear()
  }

  wake (): void { for (const loop of this.#loops) loop.wake() }

  /** An import of this CID will begin here: whoever asks for its blocks from now on waits. */
  expect (cid: CID): void {
    const key = hashKey(cid)
    if (!this.#pending.has(key)) this.#pending.set(key, Promise.withResolvers<void>())
  }

  pendingImport (cid: CID): Promise<void> | undefined {
    return this.#pending.size === 0 ? undefined : this.#pending.get(hashKey(cid))?.promise
  }

  #arrived (cid: CID): void {
    const key = hashKey(cid)
    this.#pending.get(key)?.resolve()
    this.#pending.delete(key)
  }

  async #work (signal: AbortSignal): Promise<'busy' | 'idle'> {
    const claimed = await this.#claim()
    if (claimed.length === 0) {
      await this.#forgetExpected()
      return 'idle'
    }
    const ends = await Promise.allSettled(claimed.map(async row => this.#importExpected(row, signal)))
    const failed = ends.find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
    return 'busy'
  }

  async #importExpected (row: Claimed, signal: AbortSignal): Promise<void> {
    const cid = parseCid(row.cid)
    this.expect(cid)
    try {
      await this.#import(row, signal)
    } finally {
      this.#arrived(cid)
    }
  }

  /** The oldest ones that nobody has, one row for each CID; all other rows of these CIDs are taken with them. */
  async #claim (): Promise<Claimed[]> {
    const { database } = this.#deps
    if ((await this.#oldest(database.db, 1)).length === 0) return []
    return database.transaction(async tx => {
      const rows = batchOf(await this.#oldest(tx, batchFiles))
      if (rows.length === 0) return []
      await tx.updateTable('files').set({ lease_until: database.now() + leaseMs })
        .where('cid', 'in', rows.flatMap(({ cid }) => textsOf(cid))).where('state', '=', 'importing').execute()
      return rows
    })
  }

  async #oldest (db: FileImportsDeps['database']['db'], most: number): Promise<Claimed[]> {
    const now = this.#deps.database.now()
    const rows = await db.selectFrom('files').selectAll().where('state', '=', 'importing').where('staging_key', 'is not', null)
      .where(eb => eb.or([eb('lease_until', 'is', null), eb('lease_until', '<', now)]))
      .orderBy('uploaded_at').limit(most).execute()
    return rows as Claimed[]
  }

  async #import (row: Claimed, signal: AbortSignal): Promise<void> {
    const { clusterPins, log } = this.#deps
    const endLease = this.#keepLease(row)
    try {
      // somebody else's file of this CID may be pinned already
      if ((await clusterPins.status(row.cid))?.state !== 'pinned') await this.#makeBlocks(row, signal)
      // readers needn't wait for the database
      this.#arrived(parseCid(row.cid))
      await this.#finish(row, { event: 'imported', fields: { error: null, tries: 0, lease_until: null } })
      clusterPins.wake()
    } catch (err) {
      if (signal.aborted) {
        await this.#giveBack(row, 0).catch(err => log.debug('the lease of an import was not given back', { err }))
        throw err
      }
      log.warn('a staged file could not be imported', { cid: row.cid, err })
      await this.#failed(row, err)
    } finally {
      await endLease()
    }
  }

  async #makeBlocks (row: Claimed, signal: AbortSignal): Promise<void> {
    const { cluster, staging } = this.#deps
    const { entries, params } = stagedContent(row, staging, { signal })
    let root: CID | null = null
    for await (const { cid } of cluster.add(entries, { ...params, noPin: true, awaitsPin: true }, { signal })) root = cid ?? root
    if (root != null && textsOf(row.cid).includes(root.toString())) return
    throw new ClusterError('INVALID_DATA', { cid: row.cid, made: root?.toString() ?? null }, {
      message: 'the staged bytes are not those of the CID'
    })
  }

  async #failed (row: Claimed, err: unknown): Promise<void> {
    const error = messageOf(err).slice(0, 1000)
    if (finalCodes.some(code => isClusterError(err, code))) {
      await this.#finish(row, { event: 'import-failed', fields: { error, lease_until: null } })
      return
    }
    const after = retryAfterMs[Math.min(row.tries, retryAfterMs.length - 1)] ?? 0
    await this.#giveBack(row, after, { error, tries: row.tries + 1 })
  }

  /** For all who have the CID and still want it. */
  async #finish (row: Claimed, write: { event: 'imported' | 'import-failed', fields: Partial<FileRow> }): Promise<void> {
    const { database, writer } = this.#deps
    await database.transaction(async tx => {
      const rows = await tx.selectFrom('files').selectAll().where('cid', 'in', textsOf(row.cid)).where('state', '=', 'importing').execute()
      for (const each of rows) await writer.change(tx, each, write)
    })
  }

  /** The next one may take it in so many milliseconds. */
  async #giveBack (row: Claimed, afterMs: number, fields: { error?: string, tries?: number } = {}): Promise<void> {
    const { database } = this.#deps
    await database.transaction(async tx => {
      await tx.updateTable('files').set({ ...fields, lease_until: database.now() + afterMs })
        .where('cid', 'in', textsOf(row.cid)).where('state', '=', 'importing').execute()
    })
  }

  /** Prolongs the lease while the import runs. Resolves, when it is ended, once no write of it is under way. */
  #keepLease (row: Claimed): () => Promise<void> {
    const { clock, log } = this.#deps
    const stop = new AbortController()
    const loop = (async (): Promise<void> => {
      while (!stop.signal.aborted) {
        await clock.sleep(leaseMs / 3, stop.signal).catch(() => {})
        if (!stop.signal.aborted) await this.#giveBack(row, leaseMs).catch(
          err => log.debug('the lease of an import was not prolonged', { err })
        )
      }
    })()
    return async () => {
      stop.abort()
      await loop
    }
  }

  /** What was expected here and is imported no more: another peer did it, or its owner no longer wants it. */
  async #forgetExpected (): Promise<void> {
    if (this.#pending.size === 0) return
    const rows = await this.#deps.database.db.selectFrom('files').select('cid').distinct().where('state', '=', 'importing').execute()
    const waiting = new Set(rows.map(row => hashKey(parseCid(row.cid))))
    for (const [key, { resolve }] of this.#pending) {
      if (waiting.has(key)) continue
      resolve()
      this.#pending.delete(key)
    }
  }

  /**
   * What is pinned needs nothing in staging. The row lets go first: what is left after a crash is an orphan, and no row names what isn't
   * there.
   */
  async #cleanUp (): Promise<'busy' | 'idle'> {
    const { database, staging } = this.#deps
    const rows = await database.db.selectFrom('files').select(['id', 'user_id', 'staging_key'])
      .where('state', '=', 'pinned').where('staging_key', 'is not', null).limit(cleanUpAtOnce).execute()
    for (const { id, user_id: user, staging_key: key } of rows) {
      const { numUpdatedRows } = await database.transaction(async tx => tx.updateTable('files').set({ staging_key: null })
        .where('user_id', '=', user).where('id', '=', id).where('state', '=', 'pinned').where('staging_key', '=', key).executeTakeFirst())
      if (numUpdatedRows > 0n && key != null) await staging.remove(key)
    }
    return rows.length === cleanUpAtOnce ? 'busy' : 'idle'
  }
}

/** The first, and those behind it while they are small together; of each CID one. */
function batchOf (rows: readonly Claimed[]): Claimed[] {
  const batch = new Map<string, Claimed>()
  let bytes = 0
  for (const row of rows) {
    const key = hashKey(parseCid(row.cid))
    if (batch.has(key)) continue
    bytes += row.size_bytes
    if (batch.size > 0 && bytes > batchBytes) break
    batch.set(key, row)
  }
  return [...batch.values()]
}
