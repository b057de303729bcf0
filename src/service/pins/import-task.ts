import { multiaddr } from '@multiformats/multiaddr'
import { isClusterError } from '../../base/errors.ts'
import { yieldToEventLoop } from '../../base/event-loop.ts'
import type { Logger } from '../../base/log.ts'
import { parseCid } from '../../model/cid.ts'
import { longestName, mostOrigins } from '../../model/pinning-service.ts'
import { parseTime } from '../../model/time.ts'
import type { ClusterPins } from '../cluster-pins/cluster-pins.ts'
import type { SqlDatabase } from '../sql/sql.ts'
import type { Task, TaskContext, Tasks } from '../tasks/tasks.ts'
import type { PinOwner, Pins, WantedPin } from './pins.ts'
import type { RemoteAccess, RemotePin, RemoteService } from './remote-service.ts'

/** The task's input, as JSON in the database. The token goes when the task has ended. */
export interface ImportInput extends RemoteAccess { workspace: string }

/** What others see of the task, and its result. `total`: what the other service told at first. `before`: where it goes on. */
export interface ImportProgress {
  total: number
  imported: number
  /** Pins that the account has already, by CID and name. */
  known: number
  /** What can't be a pin here: no valid CID, denied content. */
  refused: number
  before: string | null
}

export interface ImportTaskDeps {
  database: SqlDatabase
  tasks: Tasks
  pins: Pick<Pins, 'takeOver'>
  clusterPins: Pick<ClusterPins, 'wake'>
  remoteService: (access: RemoteAccess) => RemoteService
  log: Logger
}

export interface ImportTaskInit {
  /** Pins asked for at a time; for tests. */
  pageSize?: number
}

/** The task's kind in the database. */
export const importKind = 'pins-import'

const usualPage = 1000
/** Pins made in one transaction: others wait so long, tens of milliseconds. */
const stepSize = 64

/** Registers the task that takes over all pins of another pinning service, newest first. It goes on where it was, whoever dies. */
export function registerImport ({ pageSize = usualPage }: ImportTaskInit, deps: ImportTaskDeps): void {
  deps.tasks.handle<ImportInput>(importKind, async (task, context) => new Import({ task, context, pageSize }, deps).run())
}

/** Makes the task. The token is kept with it until it is through. */
export async function startImport (
  user: PinOwner, access: RemoteAccess, { database, tasks }: Pick<ImportTaskDeps, 'database' | 'tasks'>
): Promise<string> {
  const id = await database.transaction(
    async tx => tasks.create(tx, user.id, importKind, { ...access, workspace: user.workspace } satisfies ImportInput)
  )
  tasks.wake()
  return id
}

/** Tokens of imports that have ended otherwise than by themselves: revoked ones, and those that were given up. */
export async function forgetTokens (database: SqlDatabase): Promise<void> {
  const ended = await database.db.selectFrom('tasks').select(['id', 'input']).where('kind', '=', importKind).where(
    'state', 'in', ['SUCCESS', 'FAILURE', 'REVOKED']
  ).execute()
  const told = ended.map(({ id, input }) => ({ id, input: JSON.parse(input) as ImportInput })).filter(({ input }) => input.token !== '')
  if (told.length === 0) return
  await database.transaction(async tx => {
    for (const { id, input } of told) {
      await tx.updateTable('tasks').set({ input: JSON.stringify({ ...input, token: '' }) }).where('id', '=', id).execute()
    }
  })
}

class Import {
  readonly #task: Task<ImportInput>
  readonly #context: TaskContext
  readonly #pageSize: number
  readonly #deps: ImportTaskDeps
  #progress: ImportProgress

  constructor ({ task, context, pageSize }: { task: Task<ImportInput>, context: TaskContext, pageSize: number }, deps: ImportTaskDeps) {
    this.#task = task
    this.#context = context
    this.#pageSize = pageSize
    this.#deps = deps
    this.#progress = (task.progress as ImportProgress | null) ?? { total: 0, imported: 0, known: 0, refused: 0, before: null }
  }

  async run (): Promise<Omit<ImportProgress, 'before'>> {
    try {
      await this.#pages()
    } catch (err) {
      // what is tried again needs the token again
      if (
        !this.#context.signal.aborted
          && !['NOT_READY', 'TIMEOUT', 'IPFS_UNAVAILABLE'].some(code => isClusterError(err) && err.code === code)
      ) await this.#forgetToken()
      throw err
    }
    await this.#forgetToken()
    const { before: _, ...result } = this.#progress
    return result
  }

  async #pages (): Promise<void> {
    const { input } = this.#task
    const { signal } = this.#context
    const remote = this.#deps.remoteService(input)
    for (;;) {
      const { before } = this.#progress
      const { count, pins } = await remote.page({ limit: this.#pageSize, signal, ...(before == null ? {} : { before }) })
      if (before == null) this.#progress = { ...this.#progress, total: count }
      const next = nextBefore(pins, before)
      for (let at = 0; at < pins.length; at += stepSize) {
        await this.#step(pins.slice(at, at + stepSize), at + stepSize >= pins.length ? next : before)
      }
      if (pins.length < this.#pageSize || next === before) return
    }
  }

  /** A few pins, and where to go on, in one transaction. */
  async #step (pins: readonly RemotePin[], before: string | null): Promise<void> {
    const { database, clusterPins } = this.#deps
    this.#context.signal.throwIfAborted()
    await yieldToEventLoop()
    const wanted = pins.map(wantedPin).filter(one => one != null)
    const owner = { id: this.#task.user ?? '', workspace: this.#task.input.workspace }
    this.#progress = await database.transaction(async tx => {
      const { imported, known, refused } = this.#progress
      const taken = await this.#deps.pins.takeOver(tx, owner, wanted)
      const progress = {
        ...this.#progress, before, imported: imported + taken.imported, known: known + taken.known,
        refused: refused + taken.refused + pins.length - wanted.length
      }
      await this.#context.progress(progress, tx)
      return progress
    })
    clusterPins.wake()
  }

  async #forgetToken (): Promise<void> {
    const { endpoint, workspace } = this.#task.input
    await this.#deps.database.transaction(async tx => {
      await tx.updateTable('tasks').set({
        input: JSON.stringify({ endpoint, workspace, token: '' })
      }).where('id', '=', this.#task.id).execute()
    })
  }
}

/**
 * Where the next page begins. One millisecond behind the last pin, because several may have its time: those come twice, and are known then.
 * A page of nothing but one time has to be left behind.
 */
function nextBefore (pins: readonly RemotePin[], before: string | null): string | null {
  const last = pins.at(-1)
  if (last == null) return before
  const overlapping = new Date(Math.ceil(parseTime(last.created)) + 1).toISOString()
  return overlapping === before ? last.created : overlapping
}

/** Undefined for what can't be pinned here. Addresses that aren't any are left out. */
function wantedPin ({ cid, name, origins, meta }: RemotePin): WantedPin | undefined {
  const texts = [name, ...Object.entries(meta).flat()]
  if (texts.some(text => text.includes('\0'))) return undefined
  try {
    const shortName = [...name.toWellFormed()].slice(0, longestName).join('')
    return { cid: parseCid(cid).toString(), name: shortName, origins: origins.filter(isMultiaddress).slice(0, mostOrigins), meta }
  } catch (err) {
    if (isClusterError(err, 'INVALID_CID')) return undefined
    throw err
  }
}

function isMultiaddress (text: string): boolean {
  try {
    return text.startsWith('/') && multiaddr(text).toString() !== ''
  } catch {
    return false
  }
}
