import type { Datastore } from '../../../datastore/datastore.ts'
import type { MultiaddrText } from '../../../model/cid.ts'

export interface KnownPeersDeps { datastore: Pick<Datastore, 'get' | 'write'> }

const record = '/known-peers'
const maxPeers = 32

/**
 * Addresses (with /p2p) at which IPFS peers were reached lately, kept over restarts: who finds none of its bootstrap peers has others to
 * ask. At most 32, one a peer, in one record.
 */
export class KnownPeers {
  readonly #deps: KnownPeersDeps

  constructor (deps: KnownPeersDeps) { this.#deps = deps }

  /** The newest first. */
  list (): MultiaddrText[] {
    const bytes = this.#deps.datastore.get(record)
    return bytes == null ? [] : new TextDecoder().decode(bytes).split('\n').filter(line => line !== '')
  }

  /** Puts these in front. Writes only when there is something new. */
  async note (addresses: readonly MultiaddrText[]): Promise<void> {
    const known = this.list()
    if (addresses.every(address => known.includes(address))) return
    const byPeer = new Map<string, MultiaddrText>()
    for (const address of [...addresses, ...known]) {
      const peer = address.slice(address.lastIndexOf('/') + 1)
      if (!byPeer.has(peer) && byPeer.size < maxPeers) byPeer.set(peer, address)
    }
    await this.#deps.datastore.write([{ key: record, value: new TextEncoder().encode([...byPeer.values()].join('\n')) }])
  }
}
