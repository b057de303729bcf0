import type { Task } from '../../../../client/service/types.ts'
import { service } from '../../../data/clients.ts'
import { countText } from '../../../data/format.ts'
import { useAction, useQuery } from '../../../data/query.ts'
import { useStore } from '../../../data/store.ts'
import { useEffect } from 'preact/hooks'
import { Button } from '../../../ui/controls/button.tsx'
import { Progress } from '../../../ui/feedback/progress.tsx'
import { toast } from '../../../ui/feedback/toast-store.ts'
import { filesText, runningTasks, tellFilesChanged } from './file-changes.ts'
import type { RunningTask } from './file-changes.ts'

const words = { pin: 'Pinning', unpin: 'Unpinning', delete: 'Deleting' } as const
const pollMs = 1000

/** How far the work on many files is. */
export function RunningTasks () {
  const tasks = useStore(runningTasks)
  return <>{tasks.map(task => <RunningTaskBar key={task.id} task={task}/>)}</>
}

interface Done { deleted?: number, changed?: number, failed?: unknown[] }

function RunningTaskBar ({ task }: { task: RunningTask }) {
  const { id, kind, count } = task
  const query = useQuery(`tasks/${id}`, signal => service.tasks.status(id, { signal }), { pollMs })
  const { state } = query.data ?? {}
  const stop = useAction(async () => service.tasks.revoke(id), { done: () => query.reload() })
  const isEnded = state === 'SUCCESS' || state === 'FAILURE' || state === 'REVOKED'
  useEffect(() => {
    tellFilesChanged()
    if (!isEnded || query.data == null) return
    runningTasks.set(tasks => tasks.filter(one => one.id !== id))
    toast(endText(task, query.data), { tone: state === 'SUCCESS' ? 'good' : 'warn' })
  }, [isEnded, query.data])
  const done = doneOf(query.data?.progress)
  return (
    <div class="running-task">
      <Progress label={`${words[kind]} ${filesText(count)}`} value={Math.min(done, count)} max={Math.max(1, count)} text={`${countText(done)} done`}/>
      <Button size="small" icon="stop" isBusy={stop.isRunning} onClick={() => { void stop.run() }}>Stop</Button>
    </div>
  )
}

const doneOf = (progress: unknown): number => {
  const { deleted, changed } = (progress ?? {}) as Done
  return deleted ?? changed ?? 0
}

function endText ({ kind }: RunningTask, { state, result, progress, error }: Task): string {
  const done = filesText(doneOf(result ?? progress))
  const failed = ((result ?? progress ?? {}) as Done).failed?.length ?? 0
  if (state === 'FAILURE') return `${words[kind]} ended early, after ${done}: ${error ?? 'the service could not go on'}`
  return `${state === 'REVOKED' ? 'Stopped after' : `${words[kind]} is done:`} ${done}${failed === 0 ? '' : `; ${filesText(failed)} could not be`}.`
}
