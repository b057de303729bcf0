import type { FileFilter, FileListing, FileState } from '../../../../client/service/types.ts'

/** What the address of the page says of the list. */
export interface FilesQuery { q: string, group: string, state: FileState | '', sort: NonNullable<FileListing['sort']> }

export const stateNames: readonly FileState[] = ['staged', 'importing', 'pinning', 'pinned', 'unpinned', 'failed']
export const sortOptions: ReadonlyArray<{ value: FilesQuery['sort'], label: string }> = [
  { value: '-uploaded_at', label: 'Newest first' },
  { value: 'uploaded_at', label: 'Oldest first' },
  { value: 'original_filename', label: 'Name, A to Z' },
  { value: '-original_filename', label: 'Name, Z to A' },
  { value: '-size_bytes', label: 'Largest first' },
  { value: 'size_bytes', label: 'Smallest first' },
  { value: '-view_count', label: 'Most viewed' },
  { value: 'view_count', label: 'Least viewed' },
  { value: '-last_accessed_at', label: 'Last accessed' },
  { value: 'last_accessed_at', label: 'Longest not accessed' }
]
const usualSort = '-uploaded_at'

export function filesQueryOf (query: URLSearchParams): FilesQuery {
  const state = query.get('state')
  const sort = query.get('sort')
  return {
    q: query.get('q') ?? '',
    group: query.get('group') ?? '',
    state: stateNames.find(name => name === state) ?? '',
    sort: sortOptions.find(({ value }) => value === sort)?.value ?? usualSort
  }
}

export const filterOf = ({ q, group, state }: FilesQuery): FileFilter =>
  ({ ...(q === '' ? {} : { q }), ...(group === '' ? {} : { group }), ...(state === '' ? {} : { state }) })

export const isFiltered = ({ q, group, state }: FilesQuery): boolean => q !== '' || group !== '' || state !== ''

/** The other way round when the list is sorted by this already. */
export function sortBy (by: string, { sort }: FilesQuery): FilesQuery['sort'] {
  const first = by === 'original_filename' ? by : `-${by}`
  const next = sort === first ? (first.startsWith('-') ? by : `-${by}`) : first
  return sortOptions.find(({ value }) => value === next)?.value ?? usualSort
}

export const orderOf = (by: string, { sort }: FilesQuery): 'ascending' | 'descending' | undefined =>
  sort === by ? 'ascending' : sort === `-${by}` ? 'descending' : undefined
