import { yieldToEventLoop } from '../../base/event-loop.ts'
import type { FoundPins, IndexedPin, PinQuery } from '../pinindex.ts'
import { metadataTest, nameTest } from './matching.ts'
import { statusCodes } from './schema.ts'
import type { Row, Statements } from './statements.ts'
import { afterOr, beforeOr, indexedPin } from './statements.ts'

/** Rows that are looked at before others have their turn: some milliseconds. */
const sliceRows = 2000

const newestFirst = (a: IndexedPin, b: IndexedPin): number => b.created - a.created

/** A few pins, each looked up. */
export function searchByCids (statements: Statements, { cids, ...query }: PinQuery & { cids: readonly string[] }): FoundPins {
  const test = rowTest(query)
  const rows = [...new Set(cids)].map(cid => statements.rowOfCid.get(cid)).filter(row => row != null)
  const pins = rows.filter(row => test(row, row[3] as string, row[4] as string)).map(indexedPin)
    .filter(({ created }) => created < beforeOr(query.before) && created > afterOr(query.after))
  return { count: pins.length, pins: pins.toSorted(newestFirst).slice(0, query.limit) }
}

/** Everything by exact values: each status for itself, merged. */
export function searchByIndex (statements: Statements, { statuses, name, before, after, limit }: PinQuery): FoundPins {
  const ranges = [...new Set(statuses)].map(status => ({ status: statusCodes[status], name: name?.text, before, after }))
  const count = ranges.reduce((sum, range) => sum + statements.count(range), 0)
  const pins = ranges.flatMap(range => statements.page({ ...range, limit }))
  return { count, pins: pins.toSorted(newestFirst).slice(0, limit) }
}

/** Parts of names and metadata: all rows in slices, newest first. What is added or moved meanwhile may be missed, nothing comes twice. */
export async function searchByScan (statementsNow: () => Statements, query: PinQuery, signal?: AbortSignal): Promise<FoundPins> {
  const test = rowTest(query)
  const found: FoundPins = { count: 0, pins: [] }
  const columns = `${query.name == null ? '\'\'' : 'name'}, ${query.metadata == null ? '\'\'' : 'metadata'}`
  const condition = query.metadata != null && Object.keys(query.metadata).length > 0 ? 'metadata <> \'\'' : 'true'
  for (let before = beforeOr(query.before); ;) {
    signal?.throwIfAborted()
    const rows = statementsNow().scan({ columns, condition, before, after: afterOr(query.after), limit: sliceRows })
    for (const row of rows) {
      if (!test(row, row[3] as string, row[4] as string)) continue
      found.count++
      if (found.pins.length < query.limit) found.pins.push(indexedPin(row))
    }
    if (rows.length < sliceRows) return found
    before = rows.at(-1)?.[1] as number
    await yieldToEventLoop()
  }
}

function rowTest (
  { statuses, name, metadata }: Pick<PinQuery, 'statuses' | 'name' | 'metadata'>
): (row: Row, name: string, metadata: string) => boolean {
  const codes = new Set<unknown>(statuses.map(status => statusCodes[status]))
  const tests: Array<(name: string, metadata: string) => boolean> = []
  if (name != null) {
    const named = nameTest(name.text, name.match)
    tests.push(text => named(text))
  }
  if (metadata != null) {
    const has = metadataTest(metadata)
    tests.push((_name, text) => has(text))
  }
  return (row, nameText, metadataText) => codes.has(row[2]) && tests.every(test => test(nameText, metadataText))
}
