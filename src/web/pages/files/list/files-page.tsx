import { useCallback, useEffect, useMemo, useState } from 'preact/hooks'
import type { FollowedFile, Group } from '../../../../client/service/types.ts'
import { useRouter } from '../../../app/router.tsx'
import { service } from '../../../data/clients.ts'
import { shownName } from '../../../data/format.ts'
import { useDebounced } from '../../../data/hooks.ts'
import { useQuery } from '../../../data/query.ts'
import { useStore } from '../../../data/store.ts'
import { Button } from '../../../ui/controls/button.tsx'
import { Select } from '../../../ui/controls/choices.tsx'
import { Dialog } from '../../../ui/feedback/dialog.tsx'
import { EmptyState } from '../../../ui/feedback/empty-state.tsx'
import { ErrorState } from '../../../ui/feedback/error-state.tsx'
import { Page } from '../../../ui/frame/page.tsx'
import { SearchField } from '../../../ui/controls/text-field.tsx'
import { BulkBar } from './bulk-bar.tsx'
import { changeFiles, filesText } from './file-changes.ts'
import { FileDetails } from '../file/file-details.tsx'
import { FileList } from './file-list.tsx'
import { fileStateText } from '../file/file-texts.ts'
import { filesQueryOf, filterOf, isFiltered, sortOptions, stateNames } from './files-query.ts'
import type { FilesQuery } from './files-query.ts'
import { GroupsDialog } from './groups-dialog.tsx'
import { pendingChanges } from './pending-changes.ts'
import { PinCidDialog } from './pin-cid-dialog.tsx'
import { RunningTasks } from './running-tasks.tsx'
import { chosenOf, nothing, selectedCount, toggled } from './selection.ts'
import type { Selection } from './selection.ts'
import { useFileRows } from './use-file-rows.ts'
import { useFile } from '../file/use-file.ts'
import './files-page.css'

/** All files of who is logged in, and the pins that were made elsewhere. */
export default function FilesPage () {
  const { query, setQuery } = useRouter()
  const asked = filesQueryOf(query)
  const { q, group, state, sort } = asked
  const view: FilesQuery = useMemo(() => ({ q, group, state, sort }), [q, group, state, sort])
  const [selection, setSelection] = useState<Selection>(nothing)
  useEffect(() => setSelection(nothing), [q, group, state])
  const rows = useFileRows(view)
  const pending = useStore(pendingChanges)
  const groups = useQuery('groups', signal => service.groups.list({ signal }))
  const [isManaging, setManaging] = useState(false)
  const pinCid = query.get('pin')
  const opened = query.get('file')

  const select = useCallback((cids: readonly string[], to: boolean) => setSelection(old => toggled(old, cids, to)), [])
  const open = useCallback((file: FollowedFile) => setQuery({ file: file.cid }, { replace: false }), [setQuery])
  const act = (kind: 'pin' | 'unpin' | 'delete'): void => {
    void changeFiles(kind, chosenOf(selection, { filter: filterOf(view), total: rows.total ?? 0 }))
    setSelection(nothing)
  }
  const count = selectedCount(selection, rows.total ?? 0)

  return (
    <Page
      title="Files" intro="What you have uploaded and pinned, here or from the command line."
      actions={<>
        <Button kind="quiet" icon="tag" onClick={() => setManaging(true)}>Groups</Button>
        <Button icon="pin" onClick={() => setQuery({ pin: '' }, { replace: false })}>Pin from CID</Button>
        <Button kind="primary" icon="upload" to="/upload">Upload</Button>
      </>}
    >
      <Filters view={view} groups={groups.data ?? []} setQuery={setQuery}/>
      <RunningTasks/>
      <BulkBar
        count={count} total={rows.total}
        text={rows.total == null ? 'Loading…' : `${filesText(rows.total)}${isFiltered(view) ? ' found' : ''}`}
        isAll={selection.kind === 'all'} cids={selection.kind === 'some' ? selection.cids : null} groups={groups.data ?? []}
        onAll={() => setSelection({ kind: 'all', except: new Set() })} onNone={() => setSelection(nothing)} onAct={act}
      />
      {rows.error != null && <ErrorState error={rows.error} title="The list could not be loaded" onRetry={rows.reload}/>}
      {rows.total === 0 && rows.error == null
        ? <NoFiles isFiltered={isFiltered(view)} onAll={() => setQuery({ q: null, group: null, state: null })}
          onPin={() => setQuery({ pin: '' })}/>
        : <FileList rows={rows} view={view} groups={groups.data ?? []} pending={pending} selection={selection}
          onSelect={select} onSort={value => setQuery({ sort: value })} onOpen={open}/>}
      {opened != null && <FileDialog cid={opened} onClose={() => setQuery({ file: null })}/>}
      {pinCid != null && <PinCidDialog cid={pinCid} groups={groups.data ?? []}
        onClose={cid => setQuery({ pin: null, ...(cid == null ? {} : { file: cid }) })}/>}
      {isManaging && <GroupsDialog groups={groups} onClose={() => setManaging(false)}/>}
    </Page>
  )
}

interface FiltersProps { view: FilesQuery, groups: readonly Group[], setQuery: ReturnType<typeof useRouter>['setQuery'] }

function Filters ({ view: { q, group, state, sort }, groups, setQuery }: FiltersProps) {
  return (
    <div class="files-page__filters" role="group" aria-label="Filters">
      <Search q={q} onSearch={text => setQuery({ q: text === '' ? null : text })}/>
      <Select
        label="Group" hideLabel value={group} onChange={value => setQuery({ group: value === '' ? null : value })}
        options={[
          { value: '', label: 'All groups' }, { value: 'none', label: 'Without a group' },
          ...groups.map(({ id, name }) => ({ value: id, label: name }))
        ]}
      />
      <Select
        label="State" hideLabel value={state} onChange={value => setQuery({ state: value === '' ? null : value })}
        options={[{ value: '' as const, label: 'All states' }, ...stateNames.map(value => ({ value, label: fileStateText(value) }))]}
      />
      <Select label="Order" hideLabel value={sort} options={sortOptions} onChange={value => setQuery({ sort: value })}/>
    </div>
  )
}

/** Searches when one stops typing. */
function Search ({ q, onSearch }: { q: string, onSearch: (q: string) => void }) {
  const [text, setText] = useState(q)
  const settled = useDebounced(text, 250)
  useEffect(() => { if (settled.trim() !== q) onSearch(settled.trim()) }, [settled])
  useEffect(() => { if (q !== settled.trim()) setText(q) }, [q])
  return <SearchField label="Search names" value={text} onChange={setText} placeholder="Part of a name"/>
}

function NoFiles ({ isFiltered, onAll, onPin }: { isFiltered: boolean, onAll: () => void, onPin: () => void }) {
  if (isFiltered) return <EmptyState title="No file fits" icon="search" action={<Button onClick={onAll}>Show all files</Button>}>
    Try a shorter part of the name, or another group or state.
  </EmptyState>
  return (
    <EmptyState
      title="No files yet" icon="folder"
      action={<><Button kind="primary" icon="upload" to="/upload">Upload files</Button> <Button icon="pin" onClick={onPin}>Pin from CID</Button></>}
    >What you upload, or pin with <code>ipfs pin remote</code>, is listed here.</EmptyState>
  )
}

/** Details of a file beside the list. */
function FileDialog ({ cid, onClose }: { cid: string, onClose: () => void }) {
  const { data } = useFile(cid)
  return <Dialog title={data == null ? 'File' : shownName(data.original_filename)} size="large" onClose={onClose}>
    <FileDetails cid={cid} onGone={onClose}/>
  </Dialog>
}
