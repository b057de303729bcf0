import { useState } from 'preact/hooks'
import type { Group, UploadLink } from '../../../client/service/types.ts'
import { service } from '../../data/clients.ts'
import { useNow } from '../../data/hooks.ts'
import { useAction } from '../../data/query.ts'
import { Badge } from '../../ui/display/badge.tsx'
import { Button } from '../../ui/controls/button.tsx'
import { Checkbox } from '../../ui/controls/choices.tsx'
import { confirm } from '../../ui/feedback/confirm.tsx'
import { Stack } from '../../ui/frame/layout.tsx'
import { Table } from '../../ui/display/table.tsx'
import type { Column } from '../../ui/display/table.tsx'
import { Bytes, Count, Name, Time } from '../../ui/display/values.tsx'
import type { LinkState } from './links.ts'
import { linkState, typesText } from './links.ts'

const stateWords: Record<LinkState, { tone: 'good' | 'neutral', label: string }> = {
  open: { tone: 'good', label: 'Open' },
  'used-up': { tone: 'neutral', label: 'Used up' },
  expired: { tone: 'neutral', label: 'Expired' },
  revoked: { tone: 'neutral', label: 'Revoked' }
}

/** What a link is called. */
const nameOf = ({ name }: Pick<UploadLink, 'name'>): string => name === '' ? 'Unnamed link' : name

/** The user's upload links. */
export function LinkTable (
  { links, groups, onChanged }: { links: readonly UploadLink[], groups: readonly Group[], onChanged: () => void }
) {
  const now = useNow(30_000)
  const [showsEnded, setShowsEnded] = useState(false)
  const open = links.filter(link => linkState(link, now) === 'open')
  const revoke = useAction(
    async (link: UploadLink) => service.links.revoke(link.id), { done: onChanged, success: 'Link revoked. Uploads that have begun go on.' }
  )
  const ask = async (link: UploadLink): Promise<void> => {
    const isSure = await confirm({ title: `Revoke “${nameOf(link)}”?`, text: 'Nobody can begin an upload with it any more. What came with it stays.', action: 'Revoke', tone: 'bad' })
    if (isSure) await revoke.run(link)
  }

  return (
    <Stack>
      <Table
        caption="Upload links"
        columns={columns({ now, groups, ask, isBusy: revoke.isRunning }).filter(({ id }) => id !== 'state' || showsEnded)}
        rows={showsEnded ? links : open}
        keyOf={link => link.id}
        empty="No link is open."
      />
      {open.length < links.length && <Checkbox label={`Show ended links (${links.length - open.length})`}
        checked={showsEnded} onChange={setShowsEnded}/>}
    </Stack>
  )
}

interface ColumnDeps { now: number, groups: readonly Group[], isBusy: boolean, ask: (link: UploadLink) => Promise<void> }

const columns = ({ now, groups, ask, isBusy }: ColumnDeps): Array<Column<UploadLink>> => [
  { id: 'name', label: 'Name', isMain: true, cell: link => <Name text={nameOf(link)} /> },
  { id: 'state', label: 'State', cell: link => <StateOf link={link} now={now} /> },
  { id: 'uses', label: 'Uploads', isNumber: true, cell: link => <><Count value={link.uses} /> of <Count value={link.max_uses} /></> },
  { id: 'types', label: 'Takes', cell: link => typesText(link.content_types) },
  {
    id: 'most', label: 'Up to', isNumber: true, hideBelow: 'tablet',
    cell: link => link.max_bytes == null ? 'what fits' : <Bytes value={link.max_bytes} />
  },
  { id: 'group', label: 'Into group', hideBelow: 'tablet', cell: link => <GroupOf id={link.group} groups={groups} /> },
  { id: 'expires', label: 'Expires', cell: link => <Time at={link.expires_at} /> },
  {
    id: 'actions',
    label: 'Actions',
    hideLabel: true,
    cell: link => linkState(link, now) !== 'open' ? null : <Button kind="quiet" size="small" icon="trash" label={`Revoke ${nameOf(link)}`}
      disabled={isBusy} onClick={() => {
      void ask(link)
    }}>
      Revoke
    </Button>
  }
]

function GroupOf ({ id, groups }: { id: string | null, groups: readonly Group[] }) {
  const group = groups.find(one => one.id === id)
  return id == null || group == null ? <>none</> : <Name text={group.name} to={`/files?group=${encodeURIComponent(id)}`} />
}

function StateOf ({ link, now }: { link: UploadLink, now: number }) {
  const { tone, label } = stateWords[linkState(link, now)]
  return <Badge tone={tone} icon={tone === 'good' ? 'check' : 'close'}>{label}</Badge>
}
