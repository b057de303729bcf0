import { existsSync } from 'node:fs'

/** How a program ends: with an exit code, or as one that a signal ended. */
export type Ending = number | NodeJS.Signals

/** Timers of libraries outlive what they were for: identify's by one second, others by ten. */
const graceMs = 100

/**
 * Ends this process. With a code the event loop runs out by itself: `process.exit` joins V8's threads first, and one of them may wait for a
 * collection that only the main thread can do, so that it hangs for ever, deaf to signals (Node 24.21). What is still open a moment later
 * is cut off.
 */
export function endProcess (ending: Ending): void {
  if (typeof ending === 'string') return endBySignal(ending)
  process.exitCode = ending
  setTimeout(() => cutOff(ending), graceMs).unref()
}

const shell = '/bin/sh'

/** Another program takes the process over and ends with the code: nothing is joined. Where that isn't possible, it is `process.exit`. */
function cutOff (code: number): void {
  if (process.execve == null || !existsSync(shell)) process.exit(code)
  process.execve(shell, ['sh', '-c', `exit ${code}`], {})
}

/** The kernel ends the process, at once and for certain; a shell sees 128 + the signal's number. */
export function endBySignal (name: NodeJS.Signals): void {
  // Node ignores SIGPIPE until somebody has listened
  process.once(name, () => {})
  process.removeAllListeners(name)
  process.kill(process.pid, name)
}

/**
 * For 'error' of standard output and standard error: when who reads us has gone (`… | head`), the program ends as one that a SIGPIPE ended,
 * without a word.
 */
export function endOnBrokenOutput ({ code, message }: NodeJS.ErrnoException): void {
  if (code === 'EPIPE') return endBySignal('SIGPIPE')
  process.stderr.write(`error writing: ${message}\n`)
  endProcess(1)
}
