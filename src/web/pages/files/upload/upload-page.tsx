import { useState } from 'preact/hooks'
import { service } from '../../../data/clients.ts'
import { bytesText } from '../../../data/format.ts'
import { useStored } from '../../../data/hooks.ts'
import { useLiveQueries } from '../../../data/live.ts'
import type { LiveFilter } from '../../../data/live.ts'
import { useQuery } from '../../../data/query.ts'
import { useStore } from '../../../data/store.ts'
import { ownUploads } from '../../../data/uploads/own-uploads.ts'
import { sizeOf } from '../../../data/uploads/picked-files.ts'
import type { Picked } from '../../../data/uploads/picked-files.ts'
import type { UploadItem } from '../../../data/uploads/upload-item.ts'
import { Radios, Select } from '../../../ui/controls/choices.tsx'
import { Notice } from '../../../ui/feedback/notice.tsx'
import { Page } from '../../../ui/frame/page.tsx'
import { toast } from '../../../ui/feedback/toast-store.ts'
import { ShareDialog } from '../file/share-dialog.tsx'
import { DropZone } from './drop-zone.tsx'
import { UploadList } from './upload-list.tsx'
import './upload-page.css'

type Pin = 'now' | 'on-access'

const changes: LiveFilter = { types: ['file'] }

/** Files and folders come in here. */
export default function UploadPage () {
  const queue = ownUploads()
  const items = useStore(queue.items)
  const [pin, setPin] = useStored<Pin>('helia-cluster-upload-pin', 'on-access')
  const [group, setGroup] = useStored<string>('helia-cluster-upload-group', '')
  const [shared, setShared] = useState<UploadItem | null>(null)
  const account = useQuery('account', signal => service.account.status({ signal }))
  const groups = useQuery('groups', signal => service.groups.list({ signal }))
  useLiveQueries(changes, 'account')
  const known = group === '' || groups.data == null || groups.data.some(({ id }) => id === group)
  const left = account.data == null ? null : Math.max(0, account.data.quota_bytes - account.data.used_bytes)

  const take = (picked: Picked[]): void => {
    const fresh = queue.choose(picked)
    if (fresh.length < picked.length) toast(`${picked.length - fresh.length === 1 ? 'The upload goes' : 'The uploads go'} on where it stopped.`, { tone: 'good' })
    const bytes = fresh.reduce((sum, one) => sum + sizeOf(one), 0)
    if (left != null && bytes > left) toast(`That is ${bytesText(bytes)}, and ${bytesText(left)} are left: what does not fit will be refused.`, { tone: 'warn' })
    void queue.add(fresh, { pin, group: known && group !== '' ? group : null })
  }
  const waiting = items.filter(({ state }) => state === 'needs-files')

  return (
    <Page title="Upload" intro="Uploads go on while you look at other pages, and after the peer was away or this page was closed.">
      <DropZone onPicked={take}>
        {left != null && <p class="upload-page__left">{bytesText(left)} left in your account</p>}
      </DropZone>
      {waiting.length > 0 && <Notice tone="warn" role="status" title={waiting.length === 1 ? 'An upload stopped when this page was closed' : `${waiting.length} uploads stopped when this page was closed`}>
        Choose the same {waiting.some(({ kind }) => kind === 'directory')
          ? 'files and folders'
          : waiting.length === 1 ? 'file' : 'files'} again to go on
          where {waiting.length === 1 ? 'it' : 'they'} stopped: browsers don't let a page read them by itself.
      </Notice>}
      <div class="upload-page__options">
        <Radios
          legend="When is it pinned?" value={pin} onChange={setPin} inline
          options={[
            { value: 'on-access', label: 'When it is first opened', hint: 'It is stored at once, and spread over the cluster when somebody opens it.' },
            { value: 'now', label: 'Now', hint: 'It is spread over the cluster as soon as it is here.' }
          ]}
        />
        {(groups.data?.length ?? 0) > 0 && <Select label="Group" value={known ? group : ''} onChange={setGroup}
          options={[{ value: '', label: 'No group' }, ...(groups.data ?? []).map(({ id, name }) => ({ value: id, label: name }))]}/>}
      </div>
      <UploadList queue={queue} onShare={setShared}/>
      {shared?.cid != null && <ShareDialog file={{ cid: shared.cid, name: shared.name }} onClose={() => setShared(null)}/>}
    </Page>
  )
}
