import { memo } from 'preact/compat'
import { useCallback } from 'preact/hooks'
import type { FollowedFile, Group } from '../../../../client/service/types.ts'
import { countText, dayText, exactTime, msOfTime, relativeText } from '../../../data/format.ts'
import { useMedia, useNow } from '../../../data/hooks.ts'
import { Badge } from '../../../ui/display/badge.tsx'
import { Cid } from '../../../ui/display/values.tsx'
import { Icon } from '../../../ui/icon.tsx'
import { Name } from '../../../ui/display/values.tsx'
import { Notice } from '../../../ui/feedback/notice.tsx'
import { Status } from '../../../ui/display/badge.tsx'
import { Bytes, Count } from '../../../ui/display/values.tsx'
import { reachableRows, VirtualList } from '../../../ui/display/virtual-list.tsx'
import { FileMenu } from '../file/file-menu.tsx'
import { iconOfFile, kindText } from '../file/file-kinds.ts'
import { orderOf, sortBy } from './files-query.ts'
import type { FilesQuery } from './files-query.ts'
import { pendingKind } from './pending-changes.ts'
import type { PendingChange } from './pending-changes.ts'
import { isSelected } from './selection.ts'
import type { Selection } from './selection.ts'
import type { FileRows } from './use-file-rows.ts'

export interface FileListProps {
  rows: FileRows
  view: FilesQuery
  groups: readonly Group[]
  pending: readonly PendingChange[]
  selection: Selection
  onSelect: (cids: readonly string[], to: boolean) => void
  onSort: (sort: FilesQuery['sort']) => void
  onOpen: (file: FollowedFile) => void
}

const columns = [
  { id: 'original_filename', label: 'Name' }, { id: 'size_bytes', label: 'Size' }, { id: 'state', label: 'State' },
  { id: 'uploaded_at', label: 'Added' }, { id: 'view_count', label: 'Views' }, { id: 'last_accessed_at', label: 'Last access' }
] as const
const rowPixels = 64
const phoneRowPixels = 104

/** A table of any length. */
export function FileList ({ rows, view, groups, pending, selection, onSelect, onSort, onOpen }: FileListProps) {
  const isPhone = useMedia('(width < 64rem)')
  const total = rows.total ?? 12
  const now = useNow()
  const row = useCallback((at: number) => {
    const file = rows.row(at)
    if (file == null) return <div class="file-row file-row--empty" role="cell" aria-label="Loading"><span class="file-row__ghost"/></div>
    return <FileRow
      file={file} group={groups.find(({ id }) => id === file.group)?.name} pending={pendingKind(pending, file)}
      isSelected={isSelected(selection, file.cid)} now={now} onSelect={onSelect} onOpen={onOpen}
    />
  }, [rows, groups, pending, selection, now, onSelect, onOpen])
  const keyOf = useCallback((at: number) => rows.row(at)?.cid ?? at, [rows])
  const rowHeight = isPhone ? phoneRowPixels : rowPixels
  return <>
    {total > reachableRows(rowHeight) && <Notice>{`These are the first ${countText(reachableRows(rowHeight))}: search, filter or sort to see the others.`}</Notice>}
    <div class="file-table" role="table" aria-label="Files" aria-rowcount={total + 1} aria-busy={rows.total == null}>
      <div role="rowgroup">
        <div class="file-row file-row--head" role="row" aria-rowindex={1}>
          <span role="columnheader"><span class="visually-hidden">Mark</span></span>
          {columns.map(({ id, label }) => <SortHeader key={id} id={id} label={label} view={view} onSort={onSort}/>)}
          <span role="columnheader"><span class="visually-hidden">Actions</span></span>
        </div>
      </div>
      <VirtualList kind="rows" label="Rows of files" class="file-table__rows" count={total} rowHeight={rowHeight}
        row={row} keyOf={keyOf} onRange={rows.show}/>
    </div>
  </>
}

function SortHeader (
  { id, label, view, onSort }: { id: typeof columns[number]['id'], label: string, view: FilesQuery, onSort: FileListProps['onSort'] }
) {
  const order = orderOf(id, view)
  if (id === 'state') return <span role="columnheader" class="file-row__state">{label}</span>
  return (
    <span role="columnheader" aria-sort={order} class={`file-row__${id}`}>
      <button type="button" class="file-table__sort" onClick={() => onSort(sortBy(id, view))}>
        {label}{order != null && <Icon name={order === 'ascending' ? 'arrowUp' : 'arrowDown'} size={14}/>}
      </button>
    </span>
  )
}

const nearMs = 2 * 86_400_000

/** "3 min ago", "12 Mar 2025": as much as a column has room for. One clock for all rows. */
function Day ({ at, now }: { at: string | null, now: number }) {
  const ms = msOfTime(at)
  if (ms == null) return <>never</>
  return <time dateTime={new Date(ms).toISOString()} title={exactTime(ms)}>
    {Math.abs(now - ms) < nearMs ? relativeText(ms, { now }) : dayText(ms, { now })}
  </time>
}

interface FileRowProps {
  file: FollowedFile
  group: string | undefined
  pending: 'pin' | 'unpin' | 'delete' | undefined
  isSelected: boolean
  now: number
  onSelect: FileListProps['onSelect']
  onOpen: FileListProps['onOpen']
}

const pendingTexts = { pin: 'Pinning…', unpin: 'Unpinning…', delete: 'Deleting…' }

const FileRow = memo(({ file, group, pending, isSelected, now, onSelect, onOpen }: FileRowProps) => (
  <div class={`file-row${isSelected ? ' file-row--selected' : ''}${pending == null ? '' : ' file-row--pending'}`} role="presentation">
    <span role="cell" class="file-row__mark">
      <input type="checkbox" data-row-focus="mark" aria-label={`Mark ${file.original_filename}`} checked={isSelected}
        onChange={event => onSelect([file.cid], event.currentTarget.checked)}/>
    </span>
    <span role="cell" class="file-row__original_filename">
      <Icon name={iconOfFile(file)} size={20}/>
      <span class="file-row__names">
        <a
          class="file-row__name" data-row-focus="name" href={`/files/${file.cid}`} onClick={event => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return
            event.preventDefault()
            onOpen(file)
          }}
        ><Name text={file.original_filename}/></a>
        <span class="file-row__about">
          <Cid cid={file.cid} copy={false}/><span>{kindText(file)}</span>
          {group != null && <Badge icon="tag"><Name text={group}/></Badge>}
          {file.origin === 'pins' && <Badge icon="terminal" title="Made with the Pinning Service API">Pin</Badge>}
        </span>
      </span>
    </span>
    <span role="cell" class="file-row__size_bytes">{file.size === 0 && file.origin !== 'upload' ? <span title="Its size is not known yet">–</span> : <Bytes value={file.size}/>}</span>
    <span role="cell" class="file-row__state">
      {pending == null ? <Status value={file.state}/> : <Badge tone="warn">{pendingTexts[pending]}</Badge>}
      {pending == null && file.info.waiting_for != null && <span class="file-row__why">{file.info.why ?? `waits for ${file.info.waiting_for}`}</span>}
    </span>
    <span role="cell" class="file-row__uploaded_at"><Day at={file.uploaded_at} now={now}/></span>
    <span role="cell" class="file-row__view_count"><Count value={file.view_count}/><span class="file-row__unit"> views</span></span>
    <span role="cell" class="file-row__last_accessed_at"><Day at={file.last_accessed_at} now={now}/></span>
    <span role="cell" class="file-row__menu"><FileMenu file={file}/></span>
  </div>
))
