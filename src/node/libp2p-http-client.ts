import type { Duplex } from 'node:stream'
import { systemClock } from '../base/system.ts'
import { libp2pHttpClient } from '../network/host/http/http-client.ts'

/**
 * Opens a stream for each HTTP request to a libp2p address; the host that dials lives as long as the process. `secret`: 64 hexadecimal
 * digits or ''.
 */
export function libp2pHttpOpener (init: { secret: string }): (address: string, signal: AbortSignal | undefined) => Promise<Duplex> {
  const client = libp2pHttpClient(init, { clock: systemClock })
  return async (address, signal) => client.open(address, signal)
}
