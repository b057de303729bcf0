import { useState } from 'preact/hooks'
import type { Invitation } from '../../../client/service/types.ts'
import { service } from '../../data/clients.ts'
import { invalidate, useAction } from '../../data/query.ts'
import { Badge } from '../../ui/display/badge.tsx'
import { Button } from '../../ui/controls/button.tsx'
import { Checkbox } from '../../ui/controls/choices.tsx'
import { confirm } from '../../ui/feedback/confirm.tsx'
import { Stack } from '../../ui/frame/layout.tsx'
import { QueryResult } from '../../ui/feedback/query-result.tsx'
import { Section } from '../../ui/frame/page.tsx'
import { Pager } from '../../ui/controls/pager.tsx'
import { Table } from '../../ui/display/table.tsx'
import type { Column } from '../../ui/display/table.tsx'
import type { Tone } from '../../ui/tone.ts'
import { Name, Time } from '../../ui/display/values.tsx'
import { usePages } from '../../data/pages-query.ts'

/** The query's key, for those who change invitations. */
export const invitationsKey = 'admin/invites'

/** Who was invited, and what became of it. */
export function Invitations () {
  const [showsEnded, setShowsEnded] = useState(false)
  const invitations = usePages(
    `${invitationsKey}?${showsEnded ? 'all' : 'open'}`,
    ({ signal, cursor }) => service.admin.invites({
      limit: 20, signal, ...(showsEnded ? {} : { state: 'open' as const }), ...(cursor == null ? {} : { cursor })
    })
  )
  const revoke = useAction(
    async ({ id }: Invitation) => service.admin.revokeInvite(id), { done: () => invalidate(invitationsKey), success: 'Invitation revoked' }
  )
  const ask = async (invitation: Invitation): Promise<void> => {
    const isSure = await confirm({ title: `Revoke the invitation for ${forWhom(invitation)}?`, text: 'Nobody can sign up with it any more.', action: 'Revoke', tone: 'bad' })
    if (isSure) await revoke.run(invitation)
  }
  return (
    <Section title="Invitations">
      <Stack>
        <QueryResult query={invitations} empty={{ when: all => all.rows.length === 0, show: <p>
          {showsEnded ? 'Nobody was invited.' : 'No invitation is open.'}
        </p> }}>
          {({ rows, isMore }) => (
            <>
              <Table caption="Invitations"
                columns={columns({ ask, isBusy: revoke.isRunning }).filter(({ id }) => showsEnded || id !== 'state')}
                rows={rows} keyOf={({ id }) => id} dense/>
              <Pager shown={rows.length} isMore={isMore} onMore={invitations.more} isLoading={invitations.isLoadingMore} />
            </>
          )}
        </QueryResult>
        <Checkbox label="Show used, expired and revoked ones" checked={showsEnded} onChange={setShowsEnded} />
      </Stack>
    </Section>
  )
}

const stateWords: Record<Invitation['state'], { tone: Tone, label: string }> = {
  open: {
    tone: 'good', label: 'Open'
  }, used: { tone: 'info', label: 'Used' }, expired: { tone: 'neutral', label: 'Expired' }, revoked: { tone: 'neutral', label: 'Revoked' }
}

const forWhom = ({ email }: Invitation): string => email ?? 'anybody'

const columns = ({ ask, isBusy }: { ask: (invitation: Invitation) => Promise<void>, isBusy: boolean }): Array<Column<Invitation>> => [
  { id: 'for', label: 'For', isMain: true, cell: invitation => <Name text={forWhom(invitation)} /> },
  { id: 'state', label: 'State', cell: ({ state, used_by: usedBy }) => <>
    <Badge tone={stateWords[state].tone}>{stateWords[state].label}</Badge> {usedBy != null && <>by <Name text={usedBy} /></>}
  </> },
  { id: 'made', label: 'Made', hideBelow: 'phone', cell: ({ created_at: at }) => <Time at={at} /> },
  { id: 'expires', label: 'Expires', cell: ({ expires_at: at }) => <Time at={at} /> },
  {
    id: 'actions', label: 'Actions', hideLabel: true,
    cell: invitation => invitation.state !== 'open' ? null : <Button kind="quiet" size="small" icon="trash"
      label={`Revoke the invitation for ${forWhom(invitation)}`} disabled={isBusy} onClick={() => {
      void ask(invitation)
    }}>
      Revoke
    </Button>
  }
]
