import { useState } from 'preact/hooks'
import type { ApiKey } from '../../../client/service/types.ts'
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
import { Count, Name, Time } from '../../ui/display/values.tsx'
import type { KeyState } from './keys.ts'
import { keyState, permissionLabel, permissions } from './keys.ts'

const stateWords: Record<KeyState, { tone: 'good' | 'neutral' | 'warn', label: string }> = {
  active: { tone: 'good', label: 'Active' },
  expired: { tone: 'neutral', label: 'Expired' },
  'used-up': { tone: 'neutral', label: 'Used up' },
  revoked: { tone: 'neutral', label: 'Revoked' }
}

/** The user's API keys; those that no longer work only when asked for. */
export function KeyTable ({ keys, onChanged }: { keys: readonly ApiKey[], onChanged: () => void }) {
  const now = useNow(60_000)
  const [showsEnded, setShowsEnded] = useState(false)
  const ended = keys.filter(key => keyState(key, now) !== 'active').length
  const revoke = useAction(
    async (key: ApiKey) => service.account.revokeKey(key.id),
    { done: onChanged, success: 'Key revoked. Whoever used it is refused from now on.' }
  )
  const ask = async (key: ApiKey): Promise<void> => {
    const isSure = await confirm({
      title: `Revoke “${key.name}”?`,
      text: key.kind === 'default' ? 'This is the key that came with your account. Programs that use it stop working at once, and nothing brings it back.' : 'Programs that use it stop working at once, and nothing brings it back.',
      action: 'Revoke',
      tone: 'bad'
    })
    if (isSure) await revoke.run(key)
  }

  return (
    <Stack>
      <Table
        caption="API keys"
        columns={columns({ now, ask, isBusy: revoke.isRunning }).filter(({ id }) => id !== 'state' || showsEnded)}
        rows={showsEnded ? keys : keys.filter(key => keyState(key, now) === 'active')}
        keyOf={key => key.id}
        empty="No key is active."
      />
      {ended > 0 && <Checkbox label={`Show ended keys (${ended})`} checked={showsEnded} onChange={setShowsEnded} />}
    </Stack>
  )
}

interface ColumnDeps { now: number, isBusy: boolean, ask: (key: ApiKey) => Promise<void> }

const columns = ({ now, ask, isBusy }: ColumnDeps): Array<Column<ApiKey>> => [
  { id: 'name', label: 'Name', isMain: true, cell: key => <>
    <Name text={key.name} />
    {key.kind === 'default' && <span class="key-kind"> came with the account</span>}
    <code class="key-prefix" title="How the key begins">{key.prefix}…</code>
  </> },
  { id: 'permissions', label: 'May', cell: key => <Permissions key_={key} /> },
  { id: 'state', label: 'State', cell: key => <StateOf key_={key} now={now} /> },
  {
    id: 'uses', label: 'Uses', isNumber: true, hideBelow: 'tablet',
    cell: key => key.max_uses == null ? 'any number' : <><Count value={key.uses} /> of <Count value={key.max_uses} /></>
  },
  { id: 'used', label: 'Last used', cell: key => <Time at={key.last_used_at} never="never" /> },
  { id: 'expires', label: 'Expires', hideBelow: 'tablet', cell: key => <Time at={key.expires_at} never="never" /> },
  {
    id: 'actions',
    label: 'Actions',
    hideLabel: true,
    cell: key => keyState(key, now) === 'revoked' ? null : <Button kind="quiet" size="small" icon="trash" label={`Revoke ${key.name}`}
      disabled={isBusy} onClick={() => {
      void ask(key)
    }}>
      Revoke
    </Button>
  }
]

function Permissions ({ key_: { permissions: held } }: { key_: ApiKey }) {
  if (held.length === permissions.length) return <Badge>Everything</Badge>
  return <ul class="key-permissions">{held.map(one => <li key={one}><Badge title={one}>{permissionLabel(one)}</Badge></li>)}</ul>
}

function StateOf ({ key_, now }: { key_: ApiKey, now: number }) {
  const { tone, label } = stateWords[keyState(key_, now)]
  return <Badge tone={tone} icon={tone === 'good' ? 'check' : 'close'}>{label}</Badge>
}
