import { useCallback, useEffect, useMemo, useReducer } from 'preact/hooks'
import type { FollowedFile } from '../../../../client/service/types.ts'
import { service } from '../../../data/clients.ts'
import { onReturn } from '../../../data/connection.ts'
import { useSoon } from '../../../data/hooks.ts'
import { useLive } from '../../../data/live.ts'
import { useStore } from '../../../data/store.ts'
import { filesChanged } from './file-changes.ts'
import { isMoving } from '../file/file-kinds.ts'
import { filterOf } from './files-query.ts'
import type { FilesQuery } from './files-query.ts'
import { RowWindow } from './row-window.ts'

/** The rows of the list, where one looks. */
export interface FileRows {
  /** Null while nobody knows. */
  total: number | null
  error: Error | null
  row: (at: number) => FollowedFile | undefined
  show: (first: number, last: number) => void
  reload: () => void
}

/** While something is on its way, else; events tell the rest. */
const soonMs = 2000
const laterMs = 20_000
/** No more often for events: a thousand files may come in a second. */
const eventsMs = 700

/** The rows of a view; loads them as they are seen. */
export function useFileRows (view: FilesQuery): FileRows {
  const [, redraw] = useReducer((drawn: number) => drawn + 1, 0)
  const window = useMemo(() => new RowWindow<FollowedFile>({
    load: async ({ total, ...range }, signal) => {
      const page = await service.files.page({ ...filterOf(view), sort: view.sort, ...range, ...(total ? { total } : {}), signal })
      return { rows: page.data, total: page.total }
    },
    changed: () => redraw(undefined)
  }), [view])
  useEffect(() => {
    window.show(0, 30)
    const stop = onReturn(() => window.refresh())
    return () => {
      stop()
      window.close()
    }
  }, [window])
  const changes = useStore(filesChanged)
  useEffect(() => { if (changes > 0) window.refresh() }, [window, changes])
  useEvents(() => window.refresh())
  const isBusy = window.shown().some(isMoving)
  useEffect(() => {
    const timer = setInterval(() => { if (!document.hidden) window.refresh() }, isBusy ? soonMs : laterMs)
    return () => clearInterval(timer)
  }, [window, isBusy])
  const show = useCallback((first: number, last: number) => window.show(first, last), [window])
  const reload = useCallback(() => window.refresh(), [window])
  const row = useCallback((at: number) => window.row(at), [window])
  return { total: window.total, error: window.error, row, show, reload }
}

/** Calls back soon after files have changed, whoever changed them. */
function useEvents (changed: () => void): void {
  useLive({ types: ['file', 'pin'], missed: changed }, useSoon(changed, eventsMs))
}
