/** What is used of an iterator of abstract-level. */
export interface RowIterator<Row> { nextv (size: number): Promise<Row[]>, close (): Promise<void> }

export interface LastingRowsInit<Key, Row> {
  /** A batch has so many rows at most. */
  sizes: Iterable<number>
  keyOf (row: Row): Key
  /** Lists from a snapshot of this moment, behind a key. */
  list (behind: Key | undefined): RowIterator<Row>
  /** How often the database was opened so far. */
  openings (): number
  /** Resolves when nobody is opening it. */
  reopened (): Promise<void>
}

/**
 * Rows of a LevelDB in batches, from a snapshot. A database that is closed under the list and opened again (after the disk was full) ends
 * its iterators: then the list goes on behind its last row, from a second snapshot.
 */
export async function * lastingRows<Key, Row> (
  { sizes, keyOf, list, openings, reopened }: LastingRowsInit<Key, Row>
): AsyncGenerator<Row[]> {
  let behind: Key | undefined
  let opened = openings()
  let rows = list(behind)
  try {
    for (const size of sizes) {
      let batch: Row[]
      try {
        batch = await rows.nextv(size)
      } catch (err) {
        await reopened()
        if (openings() === opened) throw err
        opened = openings()
        await rows.close()
        rows = list(behind)
        batch = await rows.nextv(size)
      }
      const last = batch.at(-1)
      if (last == null) return
      behind = keyOf(last)
      yield batch
    }
  } finally {
    await rows.close()
  }
}

/** Batches of that size, without end. */
export function * always (size: number, first = size): Generator<number> {
  yield first
  for (;;) yield size
}
