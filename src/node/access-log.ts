import { write } from 'node:fs'
import { promisify } from 'node:util'

export interface AccessLogInit {
  /** Opened for appending; stays open with the process. */
  fd: number
  /** Told once when lines begin to get lost, because the disk is full. */
  failed (err: unknown): void
}

const writeTo = promisify(write)
/** What waits for a slow disk at most. */
const waitingChars = 4 * 1024 * 1024

/**
 * Appends lines to a file, those of one tick in one write. What can't be written is lost, and the next lines are tried again: a stream
 * would end at the first error.
 */
export function accessLogFile (init: AccessLogInit): (line: string) => void {
  let waiting = ''
  let isWriting = false
  let isFailing = false
  let isTorn = false

  const writeAll = async (): Promise<void> => {
    await undefined
    while (waiting !== '') {
      const bytes = Buffer.from(isTorn ? `\n${waiting}` : waiting)
      waiting = ''
      let at = 0
      try {
        while (at < bytes.length) at += (await writeTo(init.fd, bytes, at)).bytesWritten
        isFailing = isTorn = false
      } catch (err) {
        isTorn ||= at > 0 && bytes[at - 1] !== 0x0a
        if (!isFailing) init.failed(err)
        isFailing = true
      }
    }
    isWriting = false
  }

  return line => {
    if (waiting.length > waitingChars) return
    waiting += `${line}\n`
    if (isWriting) return
    isWriting = true
    void writeAll()
  }
}
