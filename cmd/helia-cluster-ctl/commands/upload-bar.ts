import { bytesText } from '../print/humanize.ts'
import type { StatusLine } from '../print/status-line.ts'

export interface UploadBarInit {
  /** Bytes to send; 0 when it isn't known. */
  totalBytes: number
}

export interface UploadBarDeps { line: StatusLine, now (): number }

const everyMs = 100
const width = 24

/** How far an upload is: sent bytes against all, and the speed. */
export class UploadBar {
  readonly #total: number
  readonly #line: StatusLine
  readonly #now: () => number
  readonly #startedAt: number
  #sent = 0
  #shownAt = -Infinity

  constructor ({ totalBytes }: UploadBarInit, { line, now }: UploadBarDeps) {
    this.#total = totalBytes
    this.#line = line
    this.#now = now
    this.#startedAt = now()
  }

  sent (bytes: number): void {
    this.#sent += bytes
    const now = this.#now()
    if (now - this.#shownAt < everyMs) return
    this.#shownAt = now
    this.#line.show(uploadText({ sent: this.#sent, total: this.#total, elapsedMs: now - this.#startedAt }))
  }

  /** Takes the bar away so that a line can be printed; it is back with the next bytes. */
  clear (): void {
    this.#line.clear()
    this.#shownAt = -Infinity
  }
}

/** The bar's text. Bytes; `total` 0: nobody knows how many there are. */
export function uploadText ({ sent, total, elapsedMs }: { sent: number, total: number, elapsedMs: number }): string {
  const speed = elapsedMs < 500 ? '' : `  ${bytesText(Math.round(sent / elapsedMs * 1000))}/s`
  if (total <= 0) return `${bytesText(sent)}${speed}`
  const share = Math.min(1, sent / total)
  const filled = Math.round(share * width)
  return `[${'='.repeat(filled)}${' '.repeat(width - filled)}] ${Math.floor(share * 100)}%  ${bytesText(sent)} of ${bytesText(total)}${speed}`
}
