const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface SignalsDeps {
  events: Pick<NodeJS.EventEmitter, 'on' | 'off'>
  /** Milliseconds from any point on. */
  now (): number
}

/**
 * Calls back at every INT, TERM and HUP. A terminal signals npm, the launcher and this process at once, and both pass it on: the same
 * signal within 200 ms means the same. The returned function ends it.
 */
export function onStopSignals (listener: (name: NodeJS.Signals) => void, { events, now }: SignalsDeps): () => void {
  let last = { name: '', at: 0 }
  const heard = (name: NodeJS.Signals): void => {
    const isRepeat = name === last.name && now() - last.at < 200
    last = { name, at: now() }
    if (!isRepeat) listener(name)
  }
  for (const name of names) events.on(name, heard)
  return () => { for (const name of names) events.off(name, heard) }
}
