/** How a program ends: with an exit code, or as one that a signal ended. */
export type Ending = number | NodeJS.Signals

/** What may still be open when a program has done its work; longer than any of it should take. */
const graceMs = 2000

/**
 * Ends this process. With a code the event loop runs out by itself: `process.exit` joins V8's threads first, and one of them may wait for a collection that
 * only the main thread can do, so that it hangs for ever, deaf to signals (Node 24.21). Only when something is left open is the process cut off after two seconds.
 */
export function endProcess (ending: Ending): void {
  if (typeof ending === 'string') return endBySignal(ending)
  process.exitCode = ending
  setTimeout(() => process.exit(ending), graceMs).unref()
}

/** The kernel ends the process, at once and for certain; a shell sees 128 + the signal's number. */
export function endBySignal (name: NodeJS.Signals): void {
  // Node ignores SIGPIPE until somebody has listened
  process.once(name, () => {})
  process.removeAllListeners(name)
  process.kill(process.pid, name)
}

/** For 'error' of standard output and standard error: when who reads us has gone (`… | head`), the program ends as one that a SIGPIPE ended, without a word. */
export function endOnBrokenOutput ({ code, message }: NodeJS.ErrnoException): void {
  if (code === 'EPIPE') return endBySignal('SIGPIPE')
  process.stderr.write(`error writing: ${message}\n`)
  endProcess(1)
}
