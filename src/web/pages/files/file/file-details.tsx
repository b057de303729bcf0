import { useState } from 'preact/hooks'
import type { FollowedFile } from '../../../../client/service/types.ts'
import { gatewayLink } from '../../../app/site.ts'
import { service } from '../../../data/clients.ts'
import { statusOf } from '../../../data/errors.ts'
import { useAction, useQuery } from '../../../data/query.ts'
import { useStore } from '../../../data/store.ts'
import { Button } from '../../../ui/controls/button.tsx'
import { Select } from '../../../ui/controls/choices.tsx'
import { CopyButton } from '../../../ui/controls/copy.tsx'
import { DefinitionList } from '../../../ui/controls/disclosure.tsx'
import { EmptyState } from '../../../ui/feedback/empty-state.tsx'
import { Form } from '../../../ui/controls/form.tsx'
import { Row, Stack } from '../../../ui/frame/layout.tsx'
import { QueryResult } from '../../../ui/feedback/query-result.tsx'
import { Name } from '../../../ui/display/values.tsx'
import { TextField } from '../../../ui/controls/text-field.tsx'
import { Bytes, Count, Time } from '../../../ui/display/values.tsx'
import { ShareDialog } from './share-dialog.tsx'
import { downloadOf } from './downloads.ts'
import { changeFiles, tellFilesChanged } from '../list/file-changes.ts'
import { kindText, originTexts } from './file-kinds.ts'
import { FileState } from './file-state.tsx'
import { pendingChanges, pendingKind } from '../list/pending-changes.ts'
import { useFile } from './use-file.ts'

/** All that is known of a file, and what can be done with it. */
export function FileDetails ({ cid, onGone }: { cid: string, onGone: () => void }) {
  const query = useFile(cid)
  if (statusOf(query.error) === 404) {
    return <EmptyState title="There is no such file" icon="file" action={<Button onClick={onGone}>To the list</Button>}>It may have been deleted, or it belongs to somebody else.</EmptyState>
  }
  return <QueryResult query={query}>
    {file => <Details file={file} onGone={onGone} onChange={changed => query.set({ ...changed, info: file.info })}/>}
  </QueryResult>
}

interface DetailsProps { file: FollowedFile, onGone: () => void, onChange: (file: Omit<FollowedFile, 'info'>) => void }

function Details ({ file, onGone, onChange }: DetailsProps) {
  const { cid } = file
  const link = gatewayLink(cid)
  return (
    <Stack gap="wide" class="file-details">
      <FileState file={file}/>
      <Acts file={file} onGone={onGone}/>
      <DefinitionList items={[
        { term: 'CID', value: <span class="file-details__text"><code>{cid}</code> <CopyButton text={cid} label="Copy CID" iconOnly size="small"/></span> },
        { term: 'Link', value: <span class="file-details__text"><a href={link} target="_blank" rel="noreferrer">{link}</a> <CopyButton text={link} label="Copy link" iconOnly size="small"/></span> },
        { term: 'Size', value: file.size === 0 && file.origin !== 'upload' ? 'not known yet' : <Bytes value={file.size}/> },
        { term: 'Kind', value: kindText(file) },
        { term: 'Added', value: <>{originTexts[file.origin]}, <Time at={file.uploaded_at}/></> },
        { term: 'Views', value: <Count value={file.view_count}/> },
        { term: 'Last access', value: <Time at={file.last_accessed_at} never="never"/> },
        ...Object.entries(file.meta).map(([key, value]) => ({ term: key, value: <Name text={value}/> }))
      ]}/>
      <Edit key={`${file.original_filename} ${file.group}`} file={file} onChange={onChange}/>
    </Stack>
  )
}

function Acts ({ file, onGone }: Pick<DetailsProps, 'file' | 'onGone'>) {
  const [isSharing, setSharing] = useState(false)
  const { cid, original_filename: name, state } = file
  const pending = pendingKind(useStore(pendingChanges), file)
  const one = { cids: new Set([cid]) }
  const isKept = state === 'pinned' || state === 'pinning' || state === 'importing'
  return (
    <Row>
      <Button icon="eye" to={`/retrieve?${new URLSearchParams({ cid, name })}`}>Preview</Button>
      <Button icon="download" href={downloadOf({ cid })} download="">{file.kind === 'directory' ? 'Download as tar' : 'Download'}</Button>
      <Button icon="share" onClick={() => setSharing(true)}>Share</Button>
      {isKept
        ? <Button icon="unpin" disabled={pending != null} onClick={() => { void changeFiles('unpin', one) }}>Unpin</Button>
        : <Button icon="pin" disabled={pending != null} onClick={() => { void changeFiles('pin', one) }}>
          {state === 'failed' ? 'Try again' : 'Pin'}
        </Button>}
      <Button kind="danger" icon="trash" disabled={pending != null} onClick={() => { void changeFiles('delete', one); onGone() }}>
        Delete
      </Button>
      {isSharing && <ShareDialog file={{ cid, name }} onClose={() => setSharing(false)}/>}
    </Row>
  )
}

function Edit ({ file, onChange }: Pick<DetailsProps, 'file' | 'onChange'>) {
  const [name, setName] = useState(file.original_filename)
  const [group, setGroup] = useState(file.group ?? '')
  const groups = useQuery('groups', signal => service.groups.list({ signal }))
  const isChanged = name.trim() !== file.original_filename || group !== (file.group ?? '')
  const save = useAction(async () => service.files.change(
    file.cid, { original_filename: name.trim(), group: group === '' ? null : group }
  ), {
    success: 'Saved.', done: changed => { onChange(changed); tellFilesChanged() }
  })
  return (
    <Form onSubmit={async () => { await save.run() }}>
      <Row wrap class="file-details__edit">
        <TextField label="Name" value={name} onChange={setName} required maxLength={255}/>
        <Select label="Group" value={group} onChange={setGroup}
          options={[{ value: '', label: 'No group' }, ...(groups.data ?? []).map(({ id, name }) => ({ value: id, label: name }))]}/>
        <Button type="submit" disabled={!isChanged || name.trim() === ''} isBusy={save.isRunning}>Save</Button>
      </Row>
    </Form>
  )
}
