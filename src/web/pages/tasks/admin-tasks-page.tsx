import { useState } from 'preact/hooks'
import type { TaskState, TaskSummary } from '../../../client/service/types.ts'
import { useRouter } from '../../app/router.tsx'
import { service } from '../../data/clients.ts'
import { useAction } from '../../data/query.ts'
import { Status } from '../../ui/display/badge.tsx'
import { Button } from '../../ui/controls/button.tsx'
import { Select } from '../../ui/controls/choices.tsx'
import { confirm } from '../../ui/feedback/confirm.tsx'
import { EmptyState } from '../../ui/feedback/empty-state.tsx'
import { Toolbar } from '../../ui/frame/layout.tsx'
import { QueryResult } from '../../ui/feedback/query-result.tsx'
import { Page } from '../../ui/frame/page.tsx'
import { Pager } from '../../ui/controls/pager.tsx'
import { Table } from '../../ui/display/table.tsx'
import type { Column } from '../../ui/display/table.tsx'
import { Count, Name, Time } from '../../ui/display/values.tsx'
import { usePages } from '../../data/pages-query.ts'
import { figuresText, isOpen, kinds, kindText } from './task-words.ts'
import './tasks.css'

type StateFilter = TaskState | ''
const states: ReadonlyArray<{ value: StateFilter, label: string }> = [
  { value: '', label: 'All states' },
  { value: 'PENDING', label: 'Waiting' },
  { value: 'STARTED', label: 'Running' },
  { value: 'SUCCESS', label: 'Done' },
  { value: 'FAILURE', label: 'Failed' },
  { value: 'REVOKED', label: 'Stopped' }
]

/** What the service does for everybody. What the tasks are about is their owners'. */
export default function AdminTasksPage () {
  const { query, setQuery } = useRouter()
  const [state, kind, user] = [query.get('state') ?? '', query.get('kind') ?? '', query.get('user') ?? '']
  const filter = {
    ...(state === '' ? {} : { state: state as TaskState }), ...(kind === '' ? {} : { kind }), ...(user === '' ? {} : { user })
  }
  const tasks = usePages(
    `admin/tasks?${state}&${kind}&${user}`,
    ({ signal, cursor }) => service.admin.tasks({ ...filter, limit: 100, signal, ...(cursor == null ? {} : { cursor }) }), { pollMs: 5000 }
  )
  const revoke = useAction(
    async (task: TaskSummary) => service.admin.revokeTask(task.task_id), { done: tasks.reload, success: 'Task stopped' }
  )
  const [asked, setAsked] = useState<string | null>(null)
  const ask = async (task: TaskSummary): Promise<void> => {
    setAsked(task.task_id)
    const isSure = await confirm({ title: `Stop “${kindText(task.kind)}”?`, text: `It is a task of ${task.email ?? 'the service'}. What it has done stays done; its owner sees that it was stopped.`, action: 'Stop the task', tone: 'bad' })
    if (isSure) await revoke.run(task)
    setAsked(null)
  }

  return (
    <Page title="Tasks" intro="Long work of everybody and of the service itself, newest first. Finished tasks are kept for 30 days.">
      <Toolbar label="Filters">
        <Select
          label="State" hideLabel value={state as StateFilter} options={states}
          onChange={value => setQuery({ state: value === '' ? null : value })}
        />
        <Select
          label="Kind" hideLabel value={kind} options={[{ value: '', label: 'All kinds' }, ...kinds]}
          onChange={value => setQuery({ kind: value === '' ? null : value })}
        />
        {user !== '' && <Button kind="quiet" size="small" icon="close" onClick={() => setQuery({ user: null })}>
          Only one user’s: show all
        </Button>}
      </Toolbar>
      <QueryResult query={tasks} empty={{ when: all => all.rows.length === 0, show: <EmptyState title="No such task" icon="tasks">
        Nothing fits these filters.
      </EmptyState> }}>
        {({ rows, isMore }) => (
          <>
            <Table caption="Tasks of everybody" columns={columns({ ask, asked })} rows={rows} keyOf={task => task.task_id} dense />
            <Pager shown={rows.length} isMore={isMore} onMore={tasks.more} isLoading={tasks.isLoadingMore} />
          </>
        )}
      </QueryResult>
    </Page>
  )
}

const columns = ({ ask, asked }: { ask: (task: TaskSummary) => Promise<void>, asked: string | null }): Array<Column<TaskSummary>> => [
  { id: 'kind', label: 'Task', isMain: true, cell: task => kindText(task.kind) },
  {
    id: 'user', label: 'Of',
    cell: task => task.user_id == null ? 'the service' : <Name text={task.email ?? task.user_id} to={`/admin/users/${task.user_id}`} />
  },
  { id: 'state', label: 'State', cell: task => <Status value={task.state} /> },
  {
    id: 'progress', label: 'Progress',
    cell: task => task.error == null ? figuresText(task.progress) : <span class="task-error">{task.error}</span>
  },
  { id: 'attempts', label: 'Attempts', isNumber: true, hideBelow: 'tablet', cell: task => <Count value={task.attempts} /> },
  { id: 'created', label: 'Made', cell: task => <Time at={task.created_at} /> },
  { id: 'completed', label: 'Ended', hideBelow: 'tablet', cell: task => <Time at={task.completed_at} never="not yet" /> },
  {
    id: 'actions',
    label: 'Actions',
    hideLabel: true,
    cell: task => isOpen(task) ? <Button kind="quiet" size="small" icon="stop"
      label={`Stop ${kindText(task.kind)} of ${task.email ?? 'the service'}`} disabled={asked === task.task_id} onClick={() => {
      void ask(task)
    }}>
      Stop
    </Button> : null
  }
]
