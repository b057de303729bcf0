import type { SessionSummary } from '../../../client/service/types.ts'
import { service } from '../../data/clients.ts'
import { invalidate, useAction, useQuery } from '../../data/query.ts'
import { Badge } from '../../ui/display/badge.tsx'
import { Button } from '../../ui/controls/button.tsx'
import { Card } from '../../ui/display/card.tsx'
import { confirm } from '../../ui/feedback/confirm.tsx'
import { QueryResult } from '../../ui/feedback/query-result.tsx'
import { Table } from '../../ui/display/table.tsx'
import { Name, Time } from '../../ui/display/values.tsx'
import { agentWords } from './agent-words.ts'

const reload = (): void => invalidate('sessions')

/** Where the account is logged in. */
export function SessionsCard () {
  const sessions = useQuery('sessions', signal => service.account.sessions({ signal }))
  const end = useAction((id: string) => service.account.endSession(id), { done: reload, success: 'The session has ended.' })
  const endOthers = useAction(() => service.account.endOtherSessions(), { done: reload, success: 'All other sessions have ended.' })
  const others = sessions.data?.filter(({ current }) => !current).length ?? 0
  const askForOthers = async (): Promise<void> => {
    if (await confirm({ title: 'End all other sessions?', text: 'Other browsers have to log in again. API keys stay as they are.', action: 'End them' })) void endOthers.run()
  }
  return <Card title="Sessions"
    actions={others > 0 && <Button size="small" isBusy={endOthers.isRunning} onClick={() => { void askForOthers() }}>
    End all others
  </Button>}>
    <QueryResult query={sessions}>{known => <Table<SessionSummary> caption="Sessions" rows={known} keyOf={({ id }) => id} dense columns={[
      { id: 'agent', label: 'Browser', isMain: true, cell: one => <><Name text={agentWords(one.agent)}/>{' '}{one.current && <Badge tone="good">This one</Badge>}</> },
      { id: 'address', label: 'From', cell: one => one.address === '' ? 'unknown' : one.address },
      { id: 'at', label: 'Since', cell: one => <Time at={one.created_at}/> },
      { id: 'end', label: 'End', hideLabel: true, cell: one => one.current ? null : <Button size="small" kind="quiet" onClick={() => {
        void end.run(one.id)
      }} title={`End the session from ${one.address}`}>
        End
      </Button> }
    ]}/>}</QueryResult>
  </Card>
}
