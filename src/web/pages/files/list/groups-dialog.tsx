import { useState } from 'preact/hooks'
import type { Group } from '../../../../client/service/types.ts'
import { service } from '../../../data/clients.ts'
import { errorText } from '../../../data/errors.ts'
import { shownName } from '../../../data/format.ts'
import { useAction } from '../../../data/query.ts'
import type { Query } from '../../../data/query.ts'
import { Button } from '../../../ui/controls/button.tsx'
import { confirm } from '../../../ui/feedback/confirm.tsx'
import { Dialog } from '../../../ui/feedback/dialog.tsx'
import { EmptyState } from '../../../ui/feedback/empty-state.tsx'
import { Form } from '../../../ui/controls/form.tsx'
import { Row, Stack } from '../../../ui/frame/layout.tsx'
import { QueryResult } from '../../../ui/feedback/query-result.tsx'
import { TextField } from '../../../ui/controls/text-field.tsx'
import { tellFilesChanged } from './file-changes.ts'

/** Groups are made, renamed and removed here. */
export function GroupsDialog ({ groups, onClose }: { groups: Query<Group[]>, onClose: () => void }) {
  const [name, setName] = useState('')
  const create = useAction(async () => service.groups.create(name.trim()), { done: () => {
    setName('')
    groups.reload()
  }, failed: () => {} })
  return (
    <Dialog title="Groups" onClose={onClose} footer={<Button onClick={onClose}>Done</Button>}>
      <Stack>
        <p>A file can be in one group. When a group goes, its files stay.</p>
        <QueryResult query={groups} empty={{ when: list => list.length === 0, show: <EmptyState title="No groups yet" icon="tag"/> }}>
          {list => <ul class="groups-list">{list.map(group => <GroupRow key={group.id} group={group} onChanged={groups.reload}/>)}</ul>}
        </QueryResult>
        <Form onSubmit={async () => { await create.run() }} error={create.error == null ? undefined : errorText(create.error)}>
          <Row wrap class="groups-list__new">
            <TextField label="New group" value={name} onChange={setName} maxLength={255} required/>
            <Button type="submit" kind="primary" icon="plus" isBusy={create.isRunning} disabled={name.trim() === ''}>Create</Button>
          </Row>
        </Form>
      </Stack>
    </Dialog>
  )
}

function GroupRow ({ group, onChanged }: { group: Group, onChanged: () => void }) {
  const [name, setName] = useState(group.name)
  const rename = useAction(async () => service.groups.rename(group.id, name.trim()), { done: onChanged, success: 'Renamed.' })
  const remove = useAction(async () => service.groups.delete(group.id), { done: () => { onChanged(); tellFilesChanged() } })
  const ask = async (): Promise<void> => {
    if (await confirm({ title: 'Remove the group?', text: <>
      “{shownName(group.name)}” goes; its files stay, without a group.
    </>, action: 'Remove', tone: 'bad' })) await remove.run()
  }
  return (
    <li class="groups-list__row">
      <TextField label={`Name of ${shownName(group.name)}`} hideLabel value={name} onChange={setName} maxLength={255}
        onEnter={() => { void rename.run() }}/>
      {name.trim() !== group.name && name.trim() !== '' && <Button size="small" isBusy={rename.isRunning} onClick={() => {
        void rename.run()
      }}>
        Rename
      </Button>}
      <Button size="small" kind="quiet" icon="trash" iconOnly label={`Remove ${shownName(group.name)}`}
        isBusy={remove.isRunning} onClick={() => { void ask() }}/>
    </li>
  )
}
