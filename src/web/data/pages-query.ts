import { useCallback, useRef, useState } from 'preact/hooks'
import type { Page } from '../../client/service/types.ts'
import { useQuery } from './query.ts'
import type { Query } from './query.ts'

/** The rows so far, of all parts that were loaded. */
export interface Rows<Item> { rows: Item[], isMore: boolean }
/** A list that is loaded part by part. */
export interface PagesQuery<Item> extends Query<Rows<Item>> { more: () => void, isLoadingMore: boolean }

type LoadPage<Item> = (options: { cursor?: string, signal: AbortSignal }) => Promise<Page<Item>>

/** A list that comes page by page. A reload brings as many pages as were shown. */
export function usePages<Item> (key: string, load: LoadPage<Item>, options: { pollMs?: number } = {}): PagesQuery<Item> {
  const count = useRef({ key, pages: 1 })
  if (count.current.key !== key) count.current = { key, pages: 1 }
  const [isLoadingMore, setLoadingMore] = useState(false)
  const query = useQuery(key, async signal => {
    const found: Rows<Item> = { rows: [], isMore: true }
    for (let cursor: string | undefined, page = 0; page < count.current.pages && found.isMore; page++) {
      const { data, next_cursor: next } = await load({ signal, ...(cursor == null ? {} : { cursor }) })
      found.rows.push(...data)
      found.isMore = next != null
      cursor = next ?? undefined
    }
    setLoadingMore(false)
    return found
  }, options)
  const { reload } = query
  const more = useCallback(() => {
    count.current.pages++
    setLoadingMore(true)
    reload()
  }, [reload])
  return { ...query, more, isLoadingMore: isLoadingMore && query.error == null }
}
