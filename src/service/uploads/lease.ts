import type { Clock } from '../../base/clock.ts'
import { isClusterError } from '../../base/errors.ts'
import type { UploadRow } from '../sql/tables.ts'
import type { NewUpload, UploadRows } from './upload-rows.ts'

export interface LeaseDeps { rows: UploadRows, clock: Clock }

/** While bytes come, the row is prolonged this often. */
const renewMs = 10 * 60_000
const firstStep = 8 * 2 ** 20

/**
 * A row and its reservation, which stays ahead of the bytes that come. What is expected at most is reserved at once when there is room for
 * it, else what is surely coming, and the rest in steps: large ones, near the end of the quota exactly what is needed.
 */
export class Lease {
  readonly row: UploadRow
  readonly #deps: LeaseDeps
  readonly #ttlMs: number
  #reserved: number
  #renewAt: number

  private constructor (row: UploadRow, { reserved, ttlMs }: { reserved: number, ttlMs: number }, deps: LeaseDeps) {
    this.row = row
    this.#reserved = reserved
    this.#ttlMs = ttlMs
    this.#deps = deps
    this.#renewAt = deps.clock.elapsed() + renewMs
  }

  static async begin (
    upload: Omit<NewUpload, 'reserve'>, { least, most }: { least: number, most: number | null }, deps: LeaseDeps
  ): Promise<Lease> {
    // nobody is told of it: what a loss of power takes with it was not an upload, and the reconciliation finds what it had staged
    const begun = async (reserved: number): Promise<Lease> =>
      new Lease(await deps.rows.begin({ ...upload, reserve: reserved }, { isDurable: false }), { reserved, ttlMs: upload.ttlMs }, deps)
    return await eitherFits(async () => begun(most ?? least), async () => begun(least))
  }

  /** Of an upload that began earlier, which has reserved so much. */
  static resume (
    row: UploadRow, { reserved, ttlMs }: { reserved: number, ttlMs: number }, deps: LeaseDeps
  ): Lease { return new Lease(row, { reserved, ttlMs }, deps) }

  /**
   * Call it before so many bytes altogether are kept: undefined when they are covered, else it resolves when they are. QUOTA_EXCEEDED;
   * CONFLICT when somebody has ended the upload.
   */
  cover (bytes: number): Promise<void> | undefined {
    if (bytes <= this.#reserved && this.#deps.clock.elapsed() < this.#renewAt) return undefined
    return this.#extend(Math.max(0, bytes - this.#reserved))
  }

  async #extend (needed: number): Promise<void> {
    const step = needed === 0 ? 0 : needed + Math.max(firstStep, Math.floor(this.#reserved / 4))
    await eitherFits(async () => this.#add(step), async () => this.#add(needed))
    this.#renewAt = this.#deps.clock.elapsed() + renewMs
  }

  async #add (bytes: number): Promise<void> {
    await this.#deps.rows.extend(this.row, bytes, this.#ttlMs)
    this.#reserved += bytes
  }
}

async function eitherFits<T> (generous: () => Promise<T>, frugal: () => Promise<T>): Promise<T> {
  try {
    return await generous()
  } catch (err) {
    if (isClusterError(err, 'QUOTA_EXCEEDED')) return await frugal()
    throw err
  }
}
