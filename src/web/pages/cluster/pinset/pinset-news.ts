import { useCallback, useRef, useState } from 'preact/hooks'
import { useSoon } from '../../../data/hooks.ts'
import { useLive } from '../../../data/live.ts'
import type { PinsetList } from './pinset-list.ts'

const batchMs = 500

/**
 * Keeps a list that has been read up to date: what is unpinned goes, what is seen is asked for again. `isOutdated`: there are pins that the
 * list hasn't.
 */
export function usePinsetNews (list: PinsetList): { isOutdated: boolean, reload: () => void } {
  const [isOutdated, setOutdated] = useState(false)
  const news = useRef({ put: new Set<string>(), removed: new Set<string>(), touched: new Set<string>() })
  const latest = useRef(list)
  latest.current = list
  const takeSoon = useSoon(() => {
    const { put, removed, touched } = news.current
    news.current = { put: new Set(), removed: new Set(), touched: new Set() }
    const { rows, forgetAll, hear, isLoading } = latest.current
    const known = put.size + removed.size === 0 ? undefined : new Set(rows.map(({ cid }) => cid))
    const gone = new Set(known == null ? [] : [...removed].filter(cid => known.has(cid)))
    if (gone.size > 0) forgetAll(gone)
    if (!isLoading && known != null && [...put].some(cid => !known.has(cid))) setOutdated(true)
    hear([...put, ...touched])
  }, batchMs)
  useLive({ from: 'cluster', types: ['pin'], missed: () => setOutdated(true) }, ({ type, data }) => {
    if (type === 'pin.status.missed') return setOutdated(true)
    const cid = String(data.cid)
    const { put, removed, touched } = news.current
    // the later word counts
    if (type === 'pin.put') removed.delete(cid)
    if (type === 'pin.removed') put.delete(cid)
    const kind = type === 'pin.put' ? put : type === 'pin.removed' ? removed : touched
    kind.add(cid)
    takeSoon()
  })
  const reload = useCallback(() => {
    setOutdated(false)
    latest.current.reload()
  }, [])
  return { isOutdated, reload }
}
