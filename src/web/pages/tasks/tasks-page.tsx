import type { Task } from '../../../client/service/types.ts'
import { service } from '../../data/clients.ts'
import { useIsLive, useLiveQueries } from '../../data/live.ts'
import { useAction, useQuery } from '../../data/query.ts'
import { Status } from '../../ui/display/badge.tsx'
import { Button } from '../../ui/controls/button.tsx'
import { confirm } from '../../ui/feedback/confirm.tsx'
import { CodeBlock } from '../../ui/controls/copy.tsx'
import { Disclosure } from '../../ui/controls/disclosure.tsx'
import { EmptyState } from '../../ui/feedback/empty-state.tsx'
import { QueryResult } from '../../ui/feedback/query-result.tsx'
import { Page } from '../../ui/frame/page.tsx'
import { Progress } from '../../ui/feedback/progress.tsx'
import { Table } from '../../ui/display/table.tsx'
import type { Column } from '../../ui/display/table.tsx'
import { Time } from '../../ui/display/values.tsx'
import { figuresText, isOpen, kindText, shareDone } from './task-words.ts'
import './tasks.css'

/** Seldom while events come by themselves. */
const pollMs = (isLive: boolean): number => isLive ? 30_000 : 3000

/** Long work of the account: how far it is, what came of it, and a way to end it. */
export default function TasksPage () {
  const tasks = useQuery('tasks', signal => service.tasks.list({ limit: 200, signal }), { pollMs: pollMs(useIsLive('own')) })
  useLiveQueries({ from: 'own', types: ['task'] }, 'tasks')
  const revoke = useAction(async (task: Task) => service.tasks.revoke(task.task_id), { done: tasks.reload, success: 'Task stopped' })
  const ask = async (task: Task): Promise<void> => {
    const isSure = await confirm({ title: `Stop “${kindText(task.kind)}”?`, text: 'What it has done stays done; the rest is left.', action: 'Stop the task', tone: 'bad' })
    if (isSure) await revoke.run(task)
  }

  return (
    <Page title="Tasks" intro="Work that takes longer than a page stays open: it goes on when you leave, and when the service restarts.">
      <QueryResult query={tasks} empty={{ when: all => all.length === 0, show: <EmptyState title="Nothing to do" icon="tasks">
        Exports, imports and deletions of many files are listed here.
      </EmptyState> }}>
        {all => <Table caption="Tasks" columns={columns({ ask, isBusy: revoke.isRunning })} rows={all} keyOf={task => task.task_id} />}
      </QueryResult>
    </Page>
  )
}

const columns = ({ ask, isBusy }: { ask: (task: Task) => Promise<void>, isBusy: boolean }): Array<Column<Task>> => [
  { id: 'kind', label: 'Task', isMain: true, cell: task => kindText(task.kind) },
  { id: 'state', label: 'State', cell: task => <Status value={task.state} /> },
  { id: 'progress', label: 'Progress', cell: task => <ProgressOf task={task} /> },
  { id: 'created', label: 'Begun', hideBelow: 'tablet', cell: task => <Time at={task.started_at ?? task.created_at} /> },
  { id: 'completed', label: 'Ended', cell: task => <Time at={task.completed_at} never="not yet" /> },
  {
    id: 'actions',
    label: 'Actions',
    hideLabel: true,
    cell: task => isOpen(task) ? <Button kind="quiet" size="small" icon="stop" label={`Stop ${kindText(task.kind)}`} disabled={isBusy}
      onClick={() => {
      void ask(task)
    }}>
      Stop
    </Button> : <ResultOf task={task} />
  }
]

function ProgressOf ({ task }: { task: Task }) {
  const text = figuresText(task.state === 'SUCCESS' ? task.result : task.progress)
  const share = shareDone(task.progress)
  if (task.error != null) return <span class="task-error">{task.error}</span>
  if (task.state === 'STARTED') return <Progress label={kindText(task.kind)} hideLabel text={text}
    {...(share == null ? {} : { value: share, max: 1 })}/>
  return <>{text}</>
}

function ResultOf ({ task }: { task: Task }) {
  if (task.state !== 'SUCCESS' || task.result == null) return null
  if (task.kind === 'account-export') return <Button kind="quiet" size="small" icon="download" href={`/api/v1/users/me/export/${encodeURIComponent(task.task_id)}`} download="account.json" label="Download the export">Download</Button>
  return (
    <Disclosure summary="Result">
      <CodeBlock code={JSON.stringify(task.result, null, 2)} label={`Result of ${kindText(task.kind)}`} />
    </Disclosure>
  )
}
