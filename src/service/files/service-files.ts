import type { Clock, Random } from '../../base/clock.ts'
import { ClusterError, isClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Workers } from '../../base/worker.ts'
import type { ClusterApi } from '../../cluster/cluster-api.ts'
import type { DagReader } from '../../ipfs/dag-reader.ts'
import { refuseDeniedCid } from '../../ipfs/denylist.ts'
import type { Denylist } from '../../ipfs/denylist.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import { parseCid } from '../../model/cid.ts'
import type { ClusterPins } from '../cluster-pins/cluster-pins.ts'
import type { UserEvents } from '../events/user-events.ts'
import type { Pins } from '../pins/pins.ts'
import type { Quota } from '../quota/quota.ts'
import { opaqueId } from '../sql/ids.ts'
import type { Sql, SqlDatabase } from '../sql/sql.ts'
import type { FileRow } from '../sql/tables.ts'
import type { Staging } from '../staging/staging.ts'
import type { Tasks } from '../tasks/tasks.ts'
import type { Usage } from '../usage/usage.ts'
import { pinnedFileContent, stagedFileContent } from './file-content.ts'
import { fileGroups } from './file-groups.ts'
import { FileImports } from './file-imports.ts'
import { countFiles, listFiles } from './file-list.ts'
import { FilePins, filePinsKind } from './file-pins.ts'
import type { FilePinsInput } from './file-pins.ts'
import { checkGroup, fileOf, findFile } from './file-rows.ts'
import { FileWriter } from './file-writer.ts'
import type { FileWrite, NewRow } from './file-writer.ts'
import type {
  ChangedPins, FileChange, FileContent, FileFilter, FileQuery, Files, GatewayAccess, Groups, NewPin, PinChange, Upload
} from './files.ts'
import { gatewayAccess } from './gateway-access.ts'
import { followStatuses } from './follow-statuses.ts'
import { FileRemoval, removalKind } from './removal.ts'
import type { Removed, RemovalInput } from './removal.ts'

export interface ServiceFilesInit {
  /** Imports at a time. Default 2. */
  parallelImports?: number
  /** How long a block that isn't here may take when a file is read. Default 30 s. */
  blockTimeoutMs?: number
}

export interface ServiceFilesDeps {
  database: SqlDatabase
  quota: Quota
  clusterPins: ClusterPins
  /** Default: nobody is told. */
  events?: Pick<UserEvents, 'record'> | undefined
  /** Made before this: its listeners come first. */
  pins: Pick<Pins, 'removeOf' | 'onChange'>
  tasks: Pick<Tasks, 'create' | 'handle' | 'wake'>
  usage: Pick<Usage, 'viewed'>
  staging: Pick<Staging, 'read' | 'remove'>
  cluster: Pick<ClusterApi, 'add'>
  ipfs: Pick<IpfsConnector, 'getBlock' | 'joined' | 'prefetch'>
  reader: DagReader
  denylist?: Denylist | undefined
  workers: Workers
  clock: Clock
  random: Random
  log: Logger
}

const whenPinnedMs = 10_000
const lookAgainMs = 40
/**
 * Whoever waits for a pin is told. Another peer on the database may do the work, and tells nobody here: so the row is looked at as well,
 * more and more rarely. On SQLite there is no other peer, and only an import that fails isn't told.
 */
const looks = { postgres: { firstMs: 50, longestMs: 250 }, sqlite: { firstMs: 500, longestMs: 500 } } as const

/** `Files` in tables of the service; their content lies in the staging area, or in the cluster's IPFS nodes. */
export function serviceFiles (init: ServiceFilesInit, deps: ServiceFilesDeps): Files { return new ServiceFiles(init, deps) }

class ServiceFiles implements Files {
  readonly name = 'service files'
  readonly access: GatewayAccess
  readonly groups: Groups
  readonly #blockTimeoutMs: number
  readonly #deps: ServiceFilesDeps
  readonly #writer: FileWriter
  readonly #imports: FileImports
  readonly #removal: FileRemoval
  readonly #filePins: FilePins

  constructor ({ parallelImports = 2, blockTimeoutMs = 30_000 }: ServiceFilesInit, deps: ServiceFilesDeps) {
    this.#deps = deps
    this.#blockTimeoutMs = blockTimeoutMs
    const writer = this.#writer = new FileWriter(deps)
    this.#imports = new FileImports({ parallel: parallelImports }, { ...deps, writer })
    this.#removal = new FileRemoval({ ...deps, writer })
    this.#filePins = new FilePins({
      ...deps,
      want: async (tx, row) => this.#want(tx, row),
      unwant: async (tx, row) => this.#unwant(tx, row),
      wake: () => this.#wakeBoth()
    })
    this.access = gatewayAccess({ ...deps, writer, imports: this.#imports })
    this.groups = fileGroups(deps)
    followStatuses({ ...deps, writer })
    deps.tasks.handle<RemovalInput>(removalKind, async (task, context) => this.#removal.run(task, context))
    deps.tasks.handle<FilePinsInput>(filePinsKind, async (task, context) => this.#filePins.run(task, context))
  }

  async start (): Promise<void> { await this.#imports.start() }
  async stop (): Promise<void> { await this.#imports.stop() }
  wake (): void { this.#wakeBoth() }

  async accept (tx: Sql, upload: Upload): Promise<{ file: FileRow, superfluous: string | null }> {
    const { user, cid, group, stored, reservation } = upload
    await checkGroup(tx, user, group)
    const options = { reservation }
    const earlier = await findFile(tx, user, cid)
    if (earlier == null) return { file: await this.#writer.insert(tx, this.#uploaded(upload), options), superfluous: null }
    const named = {
      original_filename: upload.filename,
      content_type: upload.contentType,
      group_id: group,
      meta: JSON.stringify(upload.meta),
      origin: 'upload' as const,
      error: null,
      ...(earlier.origin === 'upload' ? {} : { size_bytes: upload.sizeBytes })
    }
    if (stored.kind === 'blocks') {
      const event = earlier.state === 'importing' ? 'imported' : 'want'
      return {
        file: await this.#writer.change(tx, asOwn(earlier), { ...options, event, fields: { ...named, lease_until: null } }),
        superfluous: null
      }
    }
    const isNeeded = earlier.staging_key == null && (
      earlier.origin === 'pins' || earlier.state === 'unpinned' || earlier.state === 'failed'
    )
    const fields = isNeeded ? { ...named, staging_key: stored.key, kind: upload.kind, tries: 0, lease_until: null } : named
    let file = await this.#writer.change(tx, isNeeded ? asOwn(earlier) : earlier, {
      ...options, ...(isNeeded ? { event: 'uploaded' as const } : {}), fields
    })
    if (stored.want) file = await this.#want(tx, file)
    return { file, superfluous: isNeeded ? null : stored.key }
  }

  #uploaded ({ user, workspace, cid, kind, filename, contentType, sizeBytes, group, meta, stored }: Upload): NewRow {
    return {
      ...this.#blank({ id: user, workspace }, cid),
      kind,
      original_filename: filename,
      content_type: contentType,
      size_bytes: sizeBytes,
      group_id: group,
      meta: JSON.stringify(meta),
      state: stored.kind === 'blocks' ? 'pinning' : stored.want ? 'importing' : 'staged',
      staging_key: stored.kind === 'staged' ? stored.key : null
    }
  }

  #blank ({ id, workspace }: { id: string, workspace: string }, cid: string): NewRow {
    return {
      id: opaqueId(this.#deps.random),
      user_id: id,
      workspace_id: workspace,
      cid,
      kind: 'file',
      original_filename: cid,
      content_type: 'application/octet-stream',
      size_bytes: 0,
      group_id: null,
      meta: '{}',
      origin: 'upload',
      state: 'staged',
      error: null,
      uploaded_at: this.#deps.database.now(),
      view_count: 0,
      last_accessed_at: 0,
      staging_key: null,
      lease_until: null,
      tries: 0
    }
  }

  async list (user: string, query: FileQuery): Promise<{ files: FileRow[], next: string | null }> {
    return listFiles(user, query, this.#deps)
  }
  async count (user: string, filter: FileFilter): Promise<number> { return countFiles(user, filter, this.#deps) }
  async get (user: string, cid: string): Promise<FileRow> { return fileOf(this.#deps.database.db, user, cid) }

  async change (user: string, cid: string, { filename, group, meta }: FileChange): Promise<FileRow> {
    return this.#deps.database.transaction(async tx => {
      const file = await fileOf(tx, user, cid)
      await checkGroup(tx, user, group)
      return this.#writer.change(tx, file, {
        fields: {
          ...(filename == null ? {} : { original_filename: filename }),
          ...(group === undefined ? {} : { group_id: group }),
          ...(meta == null ? {} : { meta: JSON.stringify(meta) })
        }
      })
    })
  }

  async remove (user: string, cid: string): Promise<void> {
    const { cid: known } = await this.get(user, cid)
    await this.#removal.removeMany(user, [known])
    await this.#applied(known)
  }

  async removeMany (user: string, cids: readonly string[]): Promise<Removed> { return this.#removal.removeMany(user, cids) }
  async removeLater (user: string, what: { cids: readonly string[] } | { filter: FileFilter }): Promise<string> {
    return this.#removal.removeLater(user, what)
  }

  async changePins (user: string, to: PinChange, cids: readonly string[]): Promise<ChangedPins> {
    return this.#filePins.change(user, to, cids)
  }
  async changePinsLater (user: string, to: PinChange, what: { cids: readonly string[] } | { filter: FileFilter }): Promise<string> {
    return this.#filePins.changeLater(user, to, what)
  }

  async waiting (
    files: readonly FileRow[], { ask = false, ...options }: { ask?: boolean, signal?: AbortSignal } = {}
  ): Promise<Map<string, Readonly<Record<string, string>>>> {
    const { clusterPins } = this.#deps
    const cids = files.filter(({ state }) => state === 'pinning' || state === 'failed').map(({ cid }) => cid)
    if (cids.length === 0) return new Map()
    if (ask) await clusterPins.refresh(cids, options)
    return new Map([...await clusterPins.statuses(cids)].map(([cid, { info }]) => [cid, info]))
  }

  async removeAll (user: string, options: { signal: AbortSignal }): Promise<number> { return this.#removal.removeAll(user, options) }

  async pin (user: string, cid: string): Promise<FileRow> {
    const file = await this.#deps.database.transaction(async tx => {
      const row = await fileOf(tx, user, cid)
      if (row.state === 'pinned') throw alreadyPinned()
      return row.state === 'pinning' || row.state === 'importing' ? row : this.#want(tx, row)
    })
    this.#wakeBoth()
    return file
  }

  async unpin (user: string, cid: string): Promise<FileRow> {
    const { database, staging } = this.#deps
    const { before, file } = await database.transaction(async tx => {
      const before = await fileOf(tx, user, cid)
      return { before, file: await this.#unwant(tx, before) }
    })
    this.#wakeBoth()
    if (before.staging_key != null && file.staging_key == null) await staging.remove(before.staging_key)
    await this.#applied(file.cid)
    return file
  }

  async fromCid (user: { id: string, workspace: string }, pin: NewPin): Promise<FileRow> {
    const parsed = parseCid(pin.cid)
    const cid = parsed.toString()
    refuseDeniedCid(this.#deps.denylist, parsed)
    const file = await this.#deps.database.transaction(async tx => {
      await checkGroup(tx, user.id, pin.group)
      const earlier = await findFile(tx, user.id, cid)
      if (earlier?.state === 'pinned' && earlier.origin !== 'pins') throw alreadyPinned()
      const named = {
        ...(pin.filename == null ? {} : { original_filename: pin.filename }),
        ...(pin.group === undefined ? {} : { group_id: pin.group }),
        ...(pin.meta == null ? {} : { meta: JSON.stringify(pin.meta) })
      }
      if (earlier != null) return this.#want(tx, earlier, { fields: named, origins: pin.origins ?? [] })
      await this.#refuseFull(tx, user.id)
      return this.#writer.insert(
        tx, { ...this.#blank(user, cid), ...named, origin: 'cid', state: 'pinning' }, { origins: pin.origins ?? [] }
      )
    })
    this.#wakeBoth()
    return file
  }

  /** Its size isn't known, but there has to be some room. */
  async #refuseFull (tx: Sql, user: string): Promise<void> {
    const row = await tx.selectFrom('users').select(['used_bytes', 'quota_bytes']).where('id', '=', user).executeTakeFirst()
    if (row != null && row.used_bytes >= row.quota_bytes) throw new ClusterError('QUOTA_EXCEEDED', {
      quotaBytes: row.quota_bytes, usedBytes: row.used_bytes
    })
  }

  async #want (tx: Sql, row: FileRow, { fields = {}, origins }: FileWrite = {}): Promise<FileRow> {
    const event = row.staging_key == null ? 'want' : 'want-staged'
    return this.#writer.change(tx, asOwn(row), {
      // what is being imported has a lease
      event,
      fields: {
        ...(row.state === 'importing' ? {} : { error: null, tries: 0, lease_until: null }),
        ...(row.origin === 'pins' ? { origin: 'cid' as const } : {}),
        ...fields
      },
      ...(origins == null ? {} : { origins })
    })
  }

  /** It shall not be pinned any more, nor shall the user's pins of its CID. */
  async #unwant (tx: Sql, row: FileRow): Promise<FileRow> {
    const event = row.staging_key == null ? 'unpin' : 'unpin-staged'
    // an entry for pins stays as one for a file that isn't pinned
    const fields: FileWrite['fields'] = { error: null, lease_until: null, ...(row.origin === 'pins' ? { origin: 'cid' as const } : {}) }
    const file = await this.#writer.change(tx, row, { event, fields })
    await this.#deps.pins.removeOf(tx, row.user_id, file.cid)
    return file
  }

  async open (user: string, cid: string, options: { signal?: AbortSignal } = {}): Promise<FileContent> {
    let file = await this.get(user, cid)
    if (isInStaging(file) && file.kind === 'file') return stagedFileContent(file, this.#deps)
    if (isInStaging(file)) file = await this.#imported(file, options)
    return pinnedFileContent(file, { blockTimeoutMs: this.#blockTimeoutMs, ...options }, this.#deps)
  }

  /** A tree can be read only once it is blocks. */
  async #imported (file: FileRow, { signal }: { signal?: AbortSignal }): Promise<FileRow> {
    const { user_id: user, cid } = file
    if (file.state === 'staged') await this.access.begin({ owners: [{ user, cid, isStaged: true }] })
    for (;;) {
      const now = await this.get(user, cid)
      if (now.state === 'failed') throw new ClusterError('INVALID_DATA', { cid }, {
        message: now.error ?? 'the file could not be imported'
      })
      if (now.state !== 'importing' && now.state !== 'staged') return now
      await this.#deps.clock.sleep(lookAgainMs, signal)
    }
  }

  async whenPinned (
    user: string, cid: string, { withinMs = whenPinnedMs, signal }: { withinMs?: number, signal?: AbortSignal } = {}
  ): Promise<FileRow> {
    const { clock } = this.#deps
    const until = clock.elapsed() + withinMs
    const { firstMs, longestMs } = looks[this.#deps.database.kind]
    for (let waitMs: number = firstMs; ; waitMs = Math.min(2 * waitMs, longestMs)) {
      const file = await this.#nextLook(user, cid, { waitMs, signal })
      if (!isUnderWay(file) || clock.elapsed() >= until) return file
    }
  }

  /** The file; of one that isn't there yet, how it is when its status has changed, or after `waitMs`. */
  async #nextLook (user: string, cid: string, { waitMs, signal }: { waitMs: number, signal: AbortSignal | undefined }): Promise<FileRow> {
    const { clock, clusterPins } = this.#deps
    const over = new AbortController()
    const ends = signal == null ? over.signal : AbortSignal.any([signal, over.signal])
    // first in line, then look: nothing that happens in between is missed
    const told = clusterPins.nextStatus(cid, { signal: ends })
    told.catch(() => {}) // lost races end here
    try {
      const file = await this.get(user, cid)
      if (!isUnderWay(file)) return file
      await Promise.race([told, clock.sleep(waitMs, ends)])
      return await this.get(user, cid)
    } finally {
      over.abort(lookEnds)
    }
  }

  #wakeBoth (): void {
    this.#imports.wake()
    this.#deps.clusterPins.wake()
  }

  /** An answer waits for the cluster, but not for long, and what the cluster can't do now it does later. */
  async #applied (cid: string): Promise<void> {
    const { clusterPins, clock, log } = this.#deps
    const stop = new AbortController()
    const cancel = clock.after(whenPinnedMs / 2, () => stop.abort(new ClusterError('TIMEOUT')))
    try {
      await clusterPins.applied(cid, { signal: stop.signal })
    } catch (err) {
      if (!isClusterError(err)) throw err
      log.debug('the cluster has not accepted a change yet', { cid, err })
    } finally {
      cancel()
    }
  }
}

const isUnderWay = ({ state }: FileRow): boolean => state === 'importing' || state === 'pinning'
const lookEnds = new Error('the wait is over')

const alreadyPinned = (): ClusterError => new ClusterError('CONFLICT', {}, { message: 'the file is already pinned' })

/** Bytes that count: what is pinned is read from the cluster, where they may be gone from staging at any moment. */
const isInStaging = (file: FileRow): file is FileRow & { staging_key: string } => file.staging_key != null && file.state !== 'pinned'

/** An entry that stood for pins, and is a file of its own from now on: it holds and owns nothing yet. */
const asOwn = (row: FileRow): FileRow => row.origin === 'pins' ? { ...row, state: 'unpinned', staging_key: null, owns_pin: 0 } : row
