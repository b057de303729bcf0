import type { ChangedPins, Deleted, TaskStarted } from '../../../../client/service/types.ts'
import { service, webFetch } from '../../../data/clients.ts'
import { errorText } from '../../../data/errors.ts'
import { countText } from '../../../data/format.ts'
import { invalidate } from '../../../data/query.ts'
import { createStore } from '../../../data/store.ts'
import { toast } from '../../../ui/feedback/toast-store.ts'
import { bodyOf, countOf, pendingChanges } from './pending-changes.ts'
import type { ChangeKind, Chosen, PendingChange } from './pending-changes.ts'

/** So long one can take it back. */
const undoMs = 10_000

/** Told when files have changed: lists load again. */
export const filesChanged = createStore(0)
/** Has everything that shows files loaded again. */
export const tellFilesChanged = (): void => {
  filesChanged.set(count => count + 1)
  invalidate('file/')
  invalidate('account')
}

/** Work that goes on at the service. */
export interface RunningTask { id: string, kind: ChangeKind, count: number }
/** Changes of many files that the service is still at work on. */
export const runningTasks = createStore<readonly RunningTask[]>([])

const timers = new Map<number, ReturnType<typeof setTimeout>>()
let lastId = 0
let isWatching = false

const doing: Readonly<Record<ChangeKind, string>> = { pin: 'Pinning', unpin: 'Unpinning', delete: 'Deleting' }
const did: Readonly<Record<ChangeKind, string>> = { pin: 'Pinning', unpin: 'Unpinned', delete: 'Deleted' }

/** A number of files in words. */
export const filesText = (count: number): string => count === 1 ? '1 file' : `${countText(count)} files`

/**
 * Pins at once. What takes something away happens a little later, so that it can be undone: nothing has to be restored that way.
 * Who leaves meanwhile has meant it.
 */
export async function changeFiles (kind: ChangeKind, chosen: Chosen): Promise<void> {
  if (countOf(chosen) === 0) return
  const change: PendingChange = { id: ++lastId, kind, chosen }
  if (kind === 'pin') {
    await commit(change)
    return
  }
  watchLeaving()
  pendingChanges.set(changes => [...changes, change])
  timers.set(change.id, setTimeout(() => { void commit(change) }, undoMs))
  toast(
    `${doing[kind]} ${filesText(countOf(chosen))}`,
    { id: toastOf(change), stayMs: undoMs, action: { label: 'Undo', run: () => undo(change) } }
  )
}

function undo (change: PendingChange): void {
  if (!timers.has(change.id)) {
    toast('It is too late: that has been done already.', { tone: 'warn' })
    return
  }
  forget(change)
  toast('Nothing was changed.', { id: toastOf(change) })
}

const toastOf = ({ id }: PendingChange): string => `files-${id}`

function forget ({ id }: PendingChange): void {
  clearTimeout(timers.get(id))
  timers.delete(id)
  pendingChanges.set(changes => changes.filter(one => one.id !== id))
}

async function commit (change: PendingChange): Promise<void> {
  clearTimeout(timers.get(change.id))
  timers.delete(change.id)
  try {
    const answer = await send(change)
    if ('task_id' in answer) runningTasks.set(tasks => [...tasks, { id: answer.task_id, kind: change.kind, count: countOf(change.chosen) }])
    else tellAnswer(change, answer)
  } catch (err) {
    toast(
      `${doing[change.kind]} ${filesText(countOf(change.chosen))} failed. ${errorText(err)}`,
      { id: toastOf(change), tone: 'bad', stayMs: 15_000, action: { label: 'Try again', run: () => { void commit(change) } } }
    )
  } finally {
    forget(change)
    tellFilesChanged()
  }
}

async function send ({ kind, chosen }: PendingChange): Promise<ChangedPins | Deleted | TaskStarted> {
  const { files } = service
  if ('cids' in chosen) {
    const cids = [...chosen.cids]
    return kind === 'delete' ? files.deleteMany(cids) : kind === 'pin' ? files.pinMany(cids) : files.unpinMany(cids)
  }
  return kind === 'delete'
    ? files.deleteWhere(chosen.filter)
    : kind === 'pin'
    ? files.pinWhere(chosen.filter)
    : files.unpinWhere(chosen.filter)
}

function tellAnswer (change: PendingChange, answer: ChangedPins | Deleted): void {
  const { kind } = change
  const done = 'deleted' in answer ? answer.deleted : answer.changed.length
  const failed = answer.failed.length
  const [first] = answer.failed
  const why = typeof first === 'object' ? `: ${first.error}` : ''
  const text = `${did[kind]} ${filesText(done)}${failed === 0 ? '' : `, ${filesText(failed)} could not be${why}`}.`
  const back = kind === 'pin' && 'changed' in answer && done > 0
    ? { action: { label: 'Undo', run: () => { void takeBackPins(answer.changed) } } }
    : {}
  toast(text, { id: toastOf(change), tone: failed === 0 ? 'good' : 'warn', ...back })
}

async function takeBackPins (cids: readonly string[]): Promise<void> {
  try {
    await service.files.unpinMany(cids)
    toast(`${filesText(cids.length)} left as they were.`)
  } catch (err) {
    toast(errorText(err), { tone: 'bad' })
  } finally {
    tellFilesChanged()
  }
}

/** A page that is closed sends what still waits; browsers keep such a request alive when it is small. */
function watchLeaving (): void {
  if (isWatching) return
  isWatching = true
  addEventListener('pagehide', () => {
    for (const change of pendingChanges.get()) {
      forget(change)
      void webFetch(`/api/v1/files/${change.kind}/bulk`, {
        method: 'POST', keepalive: true, headers: { 'content-type': 'application/json' }, body: JSON.stringify(bodyOf(change.chosen))
      }).catch(() => {})
    }
  })
}
