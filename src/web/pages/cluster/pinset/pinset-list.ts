import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { keepNewest } from '../../../../base/keep-newest.ts'
import { cluster } from '../../../data/clients.ts'
import { isAbort, isAway } from '../../../data/errors.ts'
import { onReturn } from '../../../data/connection.ts'
import { rowOfPin, rowOfStatus, standingOf } from './pinset-rows.ts'
import type { PinRow, PinStanding } from './pinset-rows.ts'

/** Which pins: all, or those with such a status on some peer. */
export type PinsetView = 'all' | 'under_replicated' | 'error' | 'waiting' | 'pinned' | 'unexpectedly_unpinned' | 'cluster_error'

/** The pinset as a list of rows, of which those that are seen are kept up to date. */
export interface PinsetList {
  rows: readonly PinRow[]
  isLoading: boolean
  error: Error | undefined
  reload: () => void
  /** What is known by now of a row's standing. */
  standingOf: (row: PinRow) => PinStanding | undefined
  /** These rows are seen: their standing is asked for, unless the list has it. */
  see: (rows: readonly PinRow[]) => void
  /** Asks again for one. */
  refresh: (cid: string) => void
  forget: (cid: string) => void
  forgetAll: (cids: ReadonlySet<string>) => void
  /** Something has happened to these: those that are seen are asked for again. */
  hear: (cids: readonly string[]) => void
}

const filters = {
  under_replicated: ['under_replicated'],
  error: ['error'],
  waiting: ['queued', 'pinning', 'unpinning'],
  pinned: ['pinned'],
  unexpectedly_unpinned: ['unexpectedly_unpinned'],
  cluster_error: ['cluster_error']
} as const

/** Others have their turn at least so often while a list comes. */
const sliceMs = 8
const drawEveryMs = 250
const askedAtOnce = 64
const standingsKept = 4000
const standingHoldsMs = 20_000

/** The pinset as it streams in. What is seen of it is asked how it stands; a list by status knows already. */
export function usePinset (view: PinsetView): PinsetList {
  const [list, setList] = useState<{ rows: readonly PinRow[], isLoading: boolean, error: Error | undefined }>({
    rows: [], isLoading: true, error: undefined
  })
  const [round, setRound] = useState(0)
  const { known, see, hear, refresh } = useStandings()

  useEffect(() => {
    const controller = new AbortController()
    const rows: PinRow[] = []
    const show = (isLoading: boolean, error?: Error): void => setList({ rows: rows.slice(), isLoading, error })
    setList(before => ({ ...before, rows: round === 0 ? [] : before.rows, isLoading: true, error: undefined }))
    void collect(view, { rows, signal: controller.signal, show: () => show(true) }).then(() => show(false), err => {
      if (!controller.signal.aborted && !isAbort(err)) show(false, err instanceof Error ? err : new Error(String(err)))
    })
    return () => controller.abort()
  }, [view, round])

  const reload = useCallback(() => setRound(before => before + 1), [])
  const forgetAll = useCallback(
    (cids: ReadonlySet<string>) => setList(before => ({ ...before, rows: before.rows.filter(row => !cids.has(row.cid)) })), []
  )
  const forget = useCallback((cid: string) => forgetAll(new Set([cid])), [forgetAll])
  useEffect(() => list.error != null && isAway(list.error) ? onReturn(reload) : undefined, [list.error, reload])
  const standing = (row: PinRow): PinStanding | undefined => known.get(row.cid)?.standing ?? row.standing
  return { ...list, reload, forget, forgetAll, standingOf: standing, see, hear, refresh }
}

async function collect (
  view: PinsetView, { rows, signal, show }: { rows: PinRow[], signal: AbortSignal, show: () => void }
): Promise<void> {
  let sliceEnds = performance.now() + sliceMs
  let drawAt = performance.now() + drawEveryMs / 2
  for await (const row of rowsOf(view, signal)) {
    rows.push(row)
    const now = performance.now()
    if (now < sliceEnds) continue
    if (now >= drawAt) {
      show()
      drawAt = now + drawEveryMs
    }
    await new Promise(resolve => setTimeout(resolve))
    signal.throwIfAborted()
    sliceEnds = performance.now() + sliceMs
  }
}

async function * rowsOf (view: PinsetView, signal: AbortSignal): AsyncGenerator<PinRow> {
  // the pinset itself comes many times faster than what all peers say of it
  if (view === 'all') for await (const pin of cluster.allocations({ signal })) yield rowOfPin(pin)
  else for await (const info of cluster.statuses({ filter: filters[view], missing: true, signal })) yield rowOfStatus(info)
}

interface Known { standing: PinStanding, at: number }

/** Standings of single pins: of the rows that are seen, and of those that something was done to. */
function useStandings () {
  const known = useRef(new Map<string, Known>()).current
  const asked = useRef(new Set<string>()).current
  const wanted = useRef<string[]>([])
  const seen = useRef<ReadonlySet<string>>(new Set())
  const [, redraw] = useState(0)
  const abort = useRef(new AbortController())
  useEffect(() => {
    abort.current = new AbortController()
    return () => abort.current.abort()
  }, [])

  const ask = useCallback(async (cids: readonly string[]) => {
    for (const cid of cids) asked.add(cid)
    try {
      for await (const { cid, peer_map: peers } of cluster.statusesOf(cids, { signal: abort.current.signal })) {
        known.delete(cid)
        known.set(cid, { standing: standingOf(peers), at: performance.now() })
        redraw(count => count + 1)
      }
    } catch {
      // the row goes on without; the list says when the peer is away
    } finally {
      for (const cid of cids) asked.delete(cid)
      keepNewest(known, standingsKept)
    }
  }, [known, asked])

  const isFresh = (cid: string): boolean => asked.has(cid) || performance.now() - (known.get(cid)?.at ?? -Infinity) < standingHoldsMs
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const see = useCallback((rows: readonly PinRow[]) => {
    seen.current = new Set(rows.map(({ cid }) => cid))
    wanted.current = rows.filter(row => row.standing == null).map(({ cid }) => cid)
    clearTimeout(timer.current)
    // not for those that only fly past
    timer.current = setTimeout(() => {
      const cids = wanted.current.filter(cid => !isFresh(cid)).slice(0, askedAtOnce)
      if (cids.length > 0) void ask(cids)
    }, 150)
  }, [ask])
  const refresh = useCallback((cid: string) => { void ask([cid]) }, [ask])
  const hear = useCallback((cids: readonly string[]) => {
    const shown = [...new Set(cids)].filter(cid => seen.current.has(cid) && !asked.has(cid)).slice(0, askedAtOnce)
    if (shown.length > 0) void ask(shown)
  }, [ask, asked])
  return { known, see, hear, refresh }
}
