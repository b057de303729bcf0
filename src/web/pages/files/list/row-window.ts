/** A piece of a list that is longer than anybody keeps. */
export interface WindowPage<Row> { rows: readonly Row[], total: number | undefined }

export interface RowWindowInit<Row> {
  pageRows?: number
  /** Pages that are kept. */
  keptPages?: number
  /** `total`: whether that is wanted, too. */
  load: (range: { offset: number, limit: number, total: boolean }, signal: AbortSignal) => Promise<WindowPage<Row>>
  /** Something is to be drawn again. */
  changed: () => void
}

interface PageState<Row> { rows: readonly Row[] | null, isStale: boolean, usedAt: number }

/** Rows of a list of any length, of which the parts around what is seen are in memory. */
export class RowWindow<Row> {
  readonly #pageRows: number
  readonly #keptPages: number
  readonly #init: RowWindowInit<Row>
  readonly #pages = new Map<number, PageState<Row>>()
  readonly #loading = new Map<number, AbortController>()
  #total: number | null = null
  #isTotalStale = true
  #error: Error | null = null
  #uses = 0
  #wanted: readonly [first: number, last: number] = [0, 0]
  #isClosed = false

  constructor (init: RowWindowInit<Row>) {
    this.#init = init
    this.#pageRows = init.pageRows ?? 100
    this.#keptPages = init.keptPages ?? 40
  }

  /** Null while nobody knows. */
  get total (): number | null { return this.#total }
  /** Nothing more is asked for until `refresh`. */
  get error (): Error | null { return this.#error }
  get isLoading (): boolean { return this.#loading.size > 0 }

  /** Undefined: not here yet. */
  row (at: number): Row | undefined { return this.#pages.get(Math.floor(at / this.#pageRows))?.rows?.[at % this.#pageRows] }

  /** Those that somebody looks at, as far as they are here. */
  shown (): Row[] {
    const [first, last] = this.#wanted
    return Array.from({ length: last - first + 1 }, (_, at) => this.row(first + at)).filter(row => row != null)
  }

  /** Somebody looks at these. What is far from them isn't loaded any more. */
  show (first: number, last: number): void {
    this.#wanted = [first, last]
    const pages = this.#pagesOf(first, last)
    for (const [page, stop] of this.#loading) if (page < (pages[0] ?? 0) - 1 || page > (pages.at(-1) ?? 0) + 1) stop.abort()
    for (const page of pages) this.#ensure(page)
    this.#forget()
  }

  /** What is shown is asked for again, and stays until the answer is there; all else when somebody looks at it. */
  refresh (): void {
    this.#isTotalStale = true
    this.#error = null
    for (const page of this.#pages.values()) page.isStale = true
    for (const page of this.#pagesOf(...this.#wanted)) this.#ensure(page)
  }

  close (): void {
    this.#isClosed = true
    for (const stop of this.#loading.values()) stop.abort()
  }

  #pagesOf (first: number, last: number): number[] {
    const end = this.#total == null ? last : Math.min(last, Math.max(0, this.#total - 1))
    const from = Math.floor(Math.max(0, first) / this.#pageRows)
    return Array.from({ length: Math.max(1, Math.floor(end / this.#pageRows) - from + 1) }, (_, at) => from + at)
  }

  #ensure (page: number): void {
    const known = this.#pages.get(page)
    if (known != null) known.usedAt = ++this.#uses
    if (this.#isClosed || this.#error != null || this.#loading.has(page) || (known?.rows != null && !known.isStale)) return
    void this.#load(page)
  }

  async #load (page: number): Promise<void> {
    const stop = new AbortController()
    this.#loading.set(page, stop)
    const total = this.#isTotalStale
    this.#isTotalStale = false
    try {
      const found = await this.#init.load({ offset: page * this.#pageRows, limit: this.#pageRows, total }, stop.signal)
      this.#pages.set(page, { rows: found.rows, isStale: false, usedAt: ++this.#uses })
      if (found.total != null) this.#total = found.total
      this.#error = null
    } catch (err) {
      if (total) this.#isTotalStale = true
      if (!stop.signal.aborted) this.#error = err as Error
    } finally {
      this.#loading.delete(page)
    }
    if (!this.#isClosed) this.#init.changed()
  }

  #forget (): void {
    if (this.#pages.size <= this.#keptPages) return
    const old = [...this.#pages].toSorted(([, a], [, b]) => a.usedAt - b.usedAt).slice(0, this.#pages.size - this.#keptPages)
    for (const [page] of old) this.#pages.delete(page)
  }
}
