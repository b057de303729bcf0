import { useEffect, useState } from 'preact/hooks'
import { service } from '../../data/clients.ts'
import { useAction, useQuery } from '../../data/query.ts'
import { useStored } from '../../data/hooks.ts'
import { Button } from '../../ui/controls/button.tsx'
import { Card } from '../../ui/display/card.tsx'
import { Notice } from '../../ui/feedback/notice.tsx'
import { Progress } from '../../ui/feedback/progress.tsx'

/** Everything that the service knows of the account, as one document. A page that is opened again finds the one that was asked for. */
export function DataExport () {
  const [taskId, setTaskId] = useStored<string | null>('helia-cluster-export', null)
  const start = useAction(() => service.account.export(), { done: ({ task_id: id }) => setTaskId(id) })
  return <Card title="Your data">
    <p class="soft">
      One JSON document with all that this service knows of you: account, keys, files, pins, usage. Not the files' content: that
      is what the Files page is for.
    </p>
    {taskId == null
      ? <div><Button icon="archive" isBusy={start.isRunning} onClick={() => { void start.run() }}>Prepare a download</Button></div>
      : <Export taskId={taskId} onGone={() => setTaskId(null)}/>}
  </Card>
}

function Export ({ taskId, onGone }: { taskId: string, onGone: () => void }) {
  const [isOver, setOver] = useState(false)
  const task = useQuery(`task/${taskId}`, signal => service.tasks.status(taskId, { signal }), isOver ? {} : { pollMs: 1000 })
  const state = task.data?.state
  useEffect(() => {
    if (state === 'SUCCESS' || state === 'FAILURE' || state === 'REVOKED') setOver(true)
  }, [state])
  if (task.error != null && task.data == null) {
    return <Notice tone="neutral" title="The last export is no longer there" onDismiss={onGone}>Prepare another one.</Notice>
  }
  if (state === 'SUCCESS') {
    return <div class="form__actions">
      <Button kind="primary" icon="download" href={`/api/v1/users/me/export/${encodeURIComponent(taskId)}`} download="account.json">Download</Button>
      <Button kind="quiet" onClick={onGone}>Prepare another</Button>
    </div>
  }
  if (isOver) return <Notice tone="bad" title="The export has failed" onDismiss={onGone}>{task.data?.error ?? 'Try again.'}</Notice>
  return <Progress label="Gathering your data…"/>
}
