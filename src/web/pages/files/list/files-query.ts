import type { FileFilter, FileListing, FileState } from '../../../../client/service/types.ts'

/** What the address of the page says of the list. */
export interface FilesQuery { q: string, group: string, state: FileState | '', sort: NonNullable<FileListing['sort']> }

/** The states in the order of the filter. */
export const stateNames: readonly FileState[] = ['staged', 'importing', 'pinning', 'pinned', 'unpinned', 'failed']
/** The list's orders. */
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

/** What a page's query asks for; what isn't valid in it counts as absent. */
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

/** The API's filter. */
export const filterOf = ({ q, group, state }: FilesQuery): FileFilter =>
  ({ ...(q === '' ? {} : { q }), ...(group === '' ? {} : { group }), ...(state === '' ? {} : { state }) })

/** Whether some files may be left out. */
export const isFiltered = ({ q, group, state }: FilesQuery): boolean => q !== '' || group !== '' || state !== ''

/** The other way round when the list is sorted by this already. */
export function sortBy (by: string, { sort }: FilesQuery): FilesQuery['sort'] {
  const first = by === 'original_filename' ? by : `-${by}`
  const next = sort === first ? (first.startsWith('-') ? by : `-${by}`) : first
  return sortOptions.find(({ value }) => value === next)?.value ?? usualSort
}

/** How a column is sorted, for `aria-sort`; undefined: by another one. */
export const orderOf = (by: string, { sort }: FilesQuery): 'ascending' | 'descending' | undefined =>
  sort === by ? 'ascending' : sort === `-${by}` ? 'descending' : undefined
