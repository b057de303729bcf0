import type { Startable } from '../base/lifecycle.ts'
import type { Logger } from '../base/log.ts'
import type { WorkerHandle, Workers } from '../base/worker.ts'
import type { PeerId } from '../model/cid.ts'
import type { ConnectionManager } from '../network/host/connection-manager.ts'
import type { ClusterHost } from '../network/network.ts'
import { readPeerstore, writePeerstore } from './folder/peerstore-file.ts'

export interface PeerstoreKeeperDeps {
  host: Pick<ClusterHost, 'addressesOf'>
  peers: Pick<ConnectionManager, 'remember' | 'expected'>
  /** The others that are there. */
  members: () => readonly PeerId[]
  workers: Workers
  log: Logger
}

const lookMs = 10_000

/**
 * Gives the peers of the file `peerstore` to the network when that is up, and keeps the members' addresses there: soon after they come,
 * too, because a process that is killed has no time for it. Start it behind the connection manager.
 */
export class PeerstoreKeeper implements Startable {
  readonly name = 'peerstore'
  readonly #path: string
  readonly #deps: PeerstoreKeeperDeps
  /** What the file had at the start. */
  #first: readonly string[] = []
  /** What the file has; undefined while that isn't known. */
  #written: readonly string[] | undefined
  #loop: WorkerHandle | undefined

  constructor ({ path }: { path: string }, deps: PeerstoreKeeperDeps) {
    this.#path = path
    this.#deps = deps
  }

  async start (): Promise<void> {
    const { peers, workers, log } = this.#deps
    const { addresses, badLines } = await readPeerstore(this.#path)
    if (badLines.length > 0) log.warn('the peerstore has lines that are no peer addresses', { path: this.#path, lines: badLines.length })
    await peers.remember(addresses)
    this.#first = addresses
    this.#written = addresses
    this.#loop = workers.add({
      name: this.name,
      intervalMs: () => lookMs,
      runAtStart: false,
      work: async () => {
        await this.#keep()
        return 'idle'
      }
    })
  }

  /** Leaves the members' addresses in the file. A peer that sees nobody keeps what it knew, but for those that were removed. */
  async stop (): Promise<void> {
    await this.#loop?.stop()
    const seen = this.#seen()
    await this.#write(seen.length > 0 ? seen : this.#written?.filter(address => this.#isExpected(address)) ?? [])
    this.#written = undefined
  }

  /** Who was known at the start and isn't there yet stays. */
  async #keep (): Promise<void> {
    const seen = this.#seen()
    if (seen.length === 0) return
    const members = this.#deps.members()
    const absent = this.#first.filter(address => this.#isExpected(address) && !members.some(peer => isOf(peer, address)))
    if (await this.#write([...seen, ...absent])) await this.#deps.peers.remember(seen)
  }

  #seen (): string[] { return this.#deps.members().flatMap(peer => this.#deps.host.addressesOf(peer)) }
  #isExpected (address: string): boolean { return [...this.#deps.peers.expected()].some(peer => isOf(peer, address)) }

  /** False when the file has these, in whatever order, or hasn't been read. */
  async #write (addresses: readonly string[]): Promise<boolean> {
    if (this.#written == null || textOf(addresses) === textOf(this.#written)) return false
    await writePeerstore(this.#path, addresses)
    this.#written = addresses
    return true
  }
}

const isOf = (peer: PeerId, address: string): boolean => address.endsWith(`/p2p/${peer}`)

const textOf = (addresses: readonly string[]): string => addresses.toSorted().join('\n')
