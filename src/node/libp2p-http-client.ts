import type { Duplex } from 'node:stream'
export function libp2pHttpOpener (_init: { secret: string }): (address: string, signal: AbortSignal | undefined) => Promise<Duplex> {
  return async () => { throw new Error('not yet') }
}
