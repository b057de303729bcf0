import { CarWriter } from '@ipld/car'
import type { Clock } from '../../src/base/clock.ts'
import { ClusterError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/log.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import { WorkerRunner } from '../../src/base/worker.ts'
import type { Block, JoinedRead, SizedBlock } from '../../src/blockstore/blockstore.ts'
import type { AddedOutput, AddParams, UploadEntry } from '../../src/model/add.ts'
import { CID } from '../../src/model/cid.ts'
import type { Denylist } from '../../src/ipfs/denylist.ts'
import type { PinningStatus } from '../../src/model/pinning-service.ts'
import type { Files, Upload } from '../../src/service/files/files.ts'
import { serviceFiles } from '../../src/service/files/service-files.ts'
import type { Pins, PinListener } from '../../src/service/pins/pins.ts'
import { sqlQuota } from '../../src/service/quota/sql-quota.ts'
import { folded } from '../../src/service/sql/sql.ts'
import type { SqlDatabase } from '../../src/service/sql/sql.ts'
import type { FileRow, PinRow } from '../../src/service/sql/tables.ts'
import { sqlTasks } from '../../src/service/tasks/sql-tasks.ts'
import type { Tasks } from '../../src/service/tasks/tasks.ts'
import { importCar, importEntries } from './imports.ts'
import { FakeClusterPins } from './fake-cluster-pins.ts'
import { MemoryStaging } from './memory-staging.ts'
import { pollUntil } from './poll.ts'
import type { TestDatabases } from './service-database.ts'
import { addUser } from './service-rows.ts'
import { testReader } from './dag-reader.ts'
import { addParams } from './cluster/values.ts'

/** Blocks in memory, and an `add` that makes them. */
export class BlockMap {
  readonly blocks = new Map<string, Uint8Array>()
  /** Adds that were begun. */
  adds = 0
  /** Adds wait for this before they end. */
  gate: Promise<void> | undefined
  /** What the next add fails with. */
  fault: Error | undefined

  async * add (
    entries: AsyncIterable<UploadEntry>, params: AddParams, options: { signal?: AbortSignal } = {}
  ): AsyncGenerator<AddedOutput> {
    this.adds++
    const fault = this.fault
    this.fault = undefined
    if (fault != null) throw fault
    const sink = { write: (blocks: readonly Block[]) => { for (const { cid, bytes } of blocks) this.blocks.set(keyOf(cid), bytes) } }
    if (params.format === 'car') {
      for await (const entry of entries) {
        if (entry.kind !== 'file') continue
        const { roots: [root = null], bytes, size } = await importCar(entry.content, sink, options)
        yield { name: entry.path, cid: root, bytes, size, allocations: [] }
      }
    } else {
      for await (
        const { name, cid, bytes, size } of importEntries(entries, params, sink, { wrap: false, progress: false, ...options })
      ) yield { name, cid, bytes, size, allocations: [] }
    }
    await this.gate
    options.signal?.throwIfAborted()
  }

  /** Each read of leaves that came together: how many. */
  readonly together: number[] = []

  joined (leaves: readonly SizedBlock[]): JoinedRead | undefined {
    const found = leaves.map(({ cid }) => this.blocks.get(keyOf(cid)))
    if (found.some(bytes => bytes == null)) return undefined
    this.together.push(leaves.length)
    return { count: leaves.length, read: async () => Buffer.concat(found as Uint8Array[]) }
  }

  async getBlock (cid: CID, { signal }: { signal?: AbortSignal } = {}): Promise<Uint8Array> {
    signal?.throwIfAborted()
    const bytes = this.blocks.get(keyOf(cid))
    if (bytes == null) throw new ClusterError('NO_PROVIDER', { cid: cid.toString() })
    return bytes
  }
}

const keyOf = ({ multihash }: CID): string => Buffer.from(multihash.bytes).toString('hex')

/** Pins of the Pinning Service API as rows, made and removed by a test. */
export class FakePins implements Pick<Pins, 'removeOf' | 'onChange'> {
  readonly #listeners: PinListener[] = []
  onChange (listener: PinListener): void { this.#listeners.push(listener) }

  async removeOf (tx: Parameters<PinListener>[0], user: string, cid: string): Promise<number> {
    const { numDeletedRows } = await tx.deleteFrom('pins').where('user_id', '=', user).where('cid', '=', cid).executeTakeFirst()
    if (numDeletedRows > 0n) for (const listener of this.#listeners) await listener(tx, user, cid, null)
    return Number(numDeletedRows)
  }

  async make (database: SqlDatabase, pin: { user: string, cid: string, name: string, status?: PinningStatus }): Promise<void> {
    await database.transaction(async tx => {
      const { count } = await tx.selectFrom('pins').select(eb => eb.fn.countAll<number>().as('count')).executeTakeFirstOrThrow()
      const row: PinRow = {
        request_id: `pin-${count}`, user_id: pin.user, workspace_id: `w-${pin.user}`, cid: pin.cid, name: pin.name,
        name_key: folded(pin.name), origins: '[]', meta: '{}', created: database.now() + Number(count),
        status: pin.status ?? 'queued', info: '{}', size_bytes: null
      }
      await tx.insertInto('pins').values(row).execute()
      for (const listener of this.#listeners) await listener(tx, pin.user, pin.cid, row)
    })
  }
}

export interface FilesWorld {
  files: Files
  database: SqlDatabase
  clusterPins: FakeClusterPins
  pins: FakePins
  staging: MemoryStaging
  node: BlockMap
  tasks: Tasks
  views: string[]
  /** Takes in a file, as an upload does. */
  upload (user: string, content: string, options?: Partial<Upload> & { want?: boolean, blocks?: boolean }): Promise<FileRow>
  row (user: string, cid: string): Promise<FileRow>
  usedBytes (user: string): Promise<number>
  /** Ends what runs, as a process does that is killed: nothing more is written. */
  stop (): Promise<void>
}

export interface FilesWorldInit { database: SqlDatabase, clock: Clock, staging?: MemoryStaging, node?: BlockMap, denylist?: Denylist }

/** The files of the service on a real database, with cluster, staging and IPFS node in memory. */
export async function filesWorld (
  { database, clock, staging = new MemoryStaging(), node = new BlockMap(), denylist }: FilesWorldInit
): Promise<FilesWorld> {
  const log = silentLogger
  const workers = new WorkerRunner({ clock, random: systemRandom, log })
  const clusterPins = new FakeClusterPins(database)
  const pins = new FakePins()
  const quota = sqlQuota({ database, random: systemRandom })
  const tasks = sqlTasks({}, { database, clock, random: systemRandom, log, workers })
  const views: string[] = []
  const files = serviceFiles({ parallelImports: 1 }, {
    database, quota, clusterPins, pins, tasks, staging, cluster: node, ipfs: node, reader: testReader, denylist, workers, clock,
    random: systemRandom, log,
    usage: { viewed: (user, cid) => { views.push(`${user} ${cid}`) } }
  })
  const signal = new AbortController().signal
  await files.start(signal)
  await tasks.start(signal)
  await workers.start()
  let keys = 0
  const row = async (user: string, cid: string): Promise<FileRow> => files.get(user, cid)
  return {
    files,
    database,
    clusterPins,
    pins,
    staging,
    node,
    tasks,
    views,
    row,
    usedBytes: async user => (
      await database.db.selectFrom('users').select('used_bytes').where('id', '=', user).executeTakeFirstOrThrow()
    ).used_bytes,
    upload: async (user, content, { want = false, blocks = false, ...more } = {}) => {
      const bytes = Buffer.from(content)
      const cid = await cidOf(content)
      const key = `staged-${user}-${keys++}-${cid}`
      if (blocks) node.blocks.set(keyOf(CID.parse(cid)), bytes)
      else await staging.put(key, (async function * () { yield bytes })())
      const { file, superfluous } = await database.transaction(async tx => files.accept(tx, {
        user, workspace: `w-${user}`, cid, kind: 'file', filename: 'a.txt', contentType: 'text/plain', sizeBytes: bytes.length, group: null,
        meta: {},
        stored: blocks ? { kind: 'blocks' } : { kind: 'staged', key, want }, ...more
      }))
      if (superfluous != null) await staging.remove(superfluous)
      files.wake()
      return file
    },
    stop: async () => {
      await workers.stop()
      await tasks.stop()
      await files.stop()
    }
  }
}

/** The CID of a small file, as uploads make it. */
export async function cidOf (content: string): Promise<string> {
  const entries = async function * (): AsyncGenerator<UploadEntry> {
    yield { kind: 'file', path: 'x', content: (async function * () { yield Buffer.from(content) })() }
  }
  let root = ''
  for await (
    const { cid } of importEntries(
      entries(), addParams({ cidVersion: 1, rawLeaves: true }), { write: () => {} }, { wrap: false, progress: false }
    )
  ) root = cid?.toString() ?? root
  return root
}

/** A folder with these files: the sections of its CAR, and its root. */
export async function stagedFolder (files: Record<string, string>): Promise<{ cid: string, sections: Uint8Array }> {
  const blocks: Block[] = []
  const entries = async function * (): AsyncGenerator<UploadEntry> {
    for (const [name, content] of Object.entries(files)) yield {
      kind: 'file', path: `folder/${name}`, content: (async function * () { yield Buffer.from(content) })()
    }
  }
  let root: CID | undefined
  for await (
    const { cid } of importEntries(
      entries(), addParams({ cidVersion: 1, rawLeaves: true }), { write: batch => { blocks.push(...batch) } },
      { wrap: false, progress: false }
    )
  ) root = cid ?? root
  if (root == null) throw new Error('there is no folder')
  const { writer, out } = CarWriter.create([root])
  const all = Array.fromAsync(out)
  for (const block of blocks) await writer.put(block)
  await writer.close()
  const car = Buffer.concat(await all)
  // a length of one or two bytes, and the header
  const [first = 0, second = 0] = car
  const header = first < 128 ? 1 + first : 2 + (first & 127) + second * 128
  return { cid: root.toString(), sections: car.subarray(header) }
}

/** The world of a test with alice and bob in its database, and what waits for a file's state. */
export function filesWorlds (databases: TestDatabases) {
  const world = async (context: { after: (done: () => Promise<void>) => void }, quotaBytes = 10_000): Promise<FilesWorld> => {
    const { database } = await databases.open()
    for (const id of ['alice', 'bob']) await addUser(database, { id, quota_bytes: quotaBytes })
    const made = await filesWorld({ database, clock: systemClock })
    context.after(async () => made.stop())
    return made
  }
  const becomes = async ({ row }: FilesWorld, cid: string, state: string, user = 'alice'): Promise<void> =>
    pollUntil(async () => (await row(user, cid)).state === state, { everyMs: 5, withinMs: 5000, what: `${cid} ${state}` })
  return { world, becomes }
}
