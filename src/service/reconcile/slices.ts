import { yieldToEventLoop } from '../../base/event-loop.ts'

/** Rows that are looked at before others have their turn. */
const sliceRows = 200

/** Goes over all keys in order, slice by slice; `next` gives those behind the last one. */
export async function * slices<Row> (
  next: (after: string, limit: number) => Promise<Row[]>, keyOf: (row: Row) => string, signal: AbortSignal
): AsyncGenerator<Row[]> {
  for (let after = ''; ;) {
    signal.throwIfAborted()
    await yieldToEventLoop()
    const rows = await next(after, sliceRows)
    const last = rows.at(-1)
    if (last != null) yield rows
    if (last == null || rows.length < sliceRows) return
    after = keyOf(last)
  }
}
