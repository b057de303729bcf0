import type { Stream } from '@libp2p/interface'

/**
 * An end of a pair of streams, as libp2p's: an event target that sends, closes and aborts. What one end sends the other receives in a later
 * turn.
 */
export class PairedStream extends EventTarget {
  other: PairedStream | undefined
  status: 'open' | 'closed' | 'aborted' = 'open'
  /** While false, `send` says that the other side has to catch up. */
  hasRoom = true
  sentBytes = 0
  #drained: Array<() => void> = []

  send (data: Uint8Array | Iterable<Uint8Array>): boolean {
    const bytes = Buffer.concat(data instanceof Uint8Array ? [data] : [...data])
    this.sentBytes += bytes.length
    setImmediate(() => {
      if (this.other != null && this.other.status !== 'aborted') {
        this.other.dispatchEvent(Object.assign(new Event('message'), { data: bytes }))
      }
    })
    return this.hasRoom
  }

  async onDrain ({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    if (this.hasRoom) return
    await new Promise<void>((resolve, reject) => {
      this.#drained.push(resolve)
      signal?.addEventListener('abort', () => reject(signal.reason))
    })
  }

  drain (): void {
    this.hasRoom = true
    for (const go of this.#drained.splice(0)) go()
  }

  async close (): Promise<void> {
    if (this.status !== 'open') return
    this.status = 'closed'
    setImmediate(() => this.other?.dispatchEvent(new Event('remoteCloseWrite')))
  }

  abort (_err: Error): void {
    if (this.status === 'aborted') return
    this.status = 'aborted'
    this.dispatchEvent(new Event('close'))
    setImmediate(() => {
      if (this.other == null || this.other.status === 'aborted') return
      this.other.status = 'aborted'
      this.other.dispatchEvent(new Event('close'))
    })
  }

  get asStream (): Stream { return this as unknown as Stream }
}

export function pairedStreams (): [PairedStream, PairedStream] {
  const pair: [PairedStream, PairedStream] = [new PairedStream(), new PairedStream()]
  pair[0].other = pair[1]
  pair[1].other = pair[0]
  return pair
}
