import { statusOf } from '../errors.ts'

/**
 * How an upload is. `waiting`: for its turn. `retrying`: the peer doesn't answer, `nextTryAt` says when it is asked again. `finishing`: all
 * bytes are there, the file is being made. `needs-files`, `needs-permission`: the page was loaded again, and the browser wants to be asked.
 * `elsewhere`: another tab sends it. `signed-out`: nobody is logged in.
 */
export type UploadState =
  | 'waiting' | 'sending' | 'paused' | 'retrying' | 'finishing' | 'done' | 'failed'
  | 'needs-files' | 'needs-permission' | 'elsewhere' | 'signed-out'

/** An upload as the list shows it. */
export interface UploadItem {
  id: string
  kind: 'file' | 'directory'
  name: string
  fileCount: number
  sizeBytes: number
  /** Safe at the service. */
  sentBytes: number
  bytesPerSecond: number | null
  state: UploadState
  error: string | null
  nextTryAt: number | null
  cid: string | null
  pin: 'now' | 'on-access'
}

/** Nothing happens to it by itself any more. */
export const isOver = ({ state }: Pick<UploadItem, 'state'>): boolean => state === 'done' || state === 'failed'
/** It takes part in the totals of what is being sent. */
export const isUnderWay = ({ state }: Pick<UploadItem, 'state'>): boolean =>
  state === 'waiting' || state === 'sending' || state === 'retrying' || state === 'finishing'

/** All uploads together. Sizes in bytes; `leftMs` null: nobody can tell. */
export interface UploadTotals {
  count: number, done: number, failed: number, underWay: number, stopped: number, sizeBytes: number, sentBytes: number,
  bytesPerSecond: number, leftMs: number | null
}

/** What all of them are together. */
export function totalsOf (items: readonly UploadItem[]): UploadTotals {
  const totals = { count: items.length, done: 0, failed: 0, underWay: 0, stopped: 0, sizeBytes: 0, sentBytes: 0, bytesPerSecond: 0 }
  for (const item of items) {
    totals.sizeBytes += item.sizeBytes
    totals.sentBytes += item.state === 'done' ? item.sizeBytes : item.sentBytes
    if (item.state === 'sending') totals.bytesPerSecond += item.bytesPerSecond ?? 0
    if (item.state === 'done') totals.done++
    else if (item.state === 'failed') totals.failed++
    else if (isUnderWay(item)) totals.underWay++
    else totals.stopped++
  }
  const left = items.reduce((sum, item) => isUnderWay(item) ? sum + item.sizeBytes - item.sentBytes : sum, 0)
  return { ...totals, leftMs: totals.bytesPerSecond > 0 ? left * 1000 / totals.bytesPerSecond : null }
}

/** What an error means: try again, begin anew (`lost`), another request has it, nobody is logged in, give up. */
export type Failure = 'again' | 'lost' | 'elsewhere' | 'signed-out' | 'for-good'

/** What an error of the service means for an upload. */
export function failureOf (err: unknown): Failure {
  const status = statusOf(err)
  if (status === 401) return 'signed-out'
  if (status === 404 || status === 410) return 'lost'
  // two requests at once, or one that is still being cut off
  if (status === 409 || status === 423) return 'elsewhere'
  return status === 0 || status === 429 || (status != null && status >= 500) ? 'again' : 'for-good'
}

const waitsMs = [1000, 2000, 4000, 8000, 15_000, 30_000]

/** How long until the next try, after so many in a row. */
export const waitMs = (tries: number, retryAfterSeconds: number | null): number =>
  retryAfterSeconds == null ? waitsMs[Math.min(tries, waitsMs.length - 1)] ?? 30_000 : Math.max(1, retryAfterSeconds) * 1000
