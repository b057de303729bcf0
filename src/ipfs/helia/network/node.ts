import type { Blockstore as InterfaceBlockstore } from 'interface-blockstore'
import type { Connection, Libp2p, PeerId as Libp2pPeerId, Stream } from '@libp2p/interface'
import type { KadDHT } from '@libp2p/kad-dht'
import type { CID } from 'multiformats/cid'
import type { Clock } from '../../../base/clock.ts'
import { ClusterError } from '../../../base/errors.ts'
import type { Logger } from '../../../base/log.ts'
import type { MultiaddrText, PeerId } from '../../../model/cid.ts'
import { BitswapAnswers } from '../exchange/bitswap-answers.ts'
import type { AnswerSource } from '../exchange/bitswap-answers.ts'
import { BitswapAsks } from '../exchange/bitswap-asks.ts'
import { BitswapCancels } from '../exchange/bitswap-cancels.ts'
import type { QueuedMessage } from '../exchange/bitswap-cancels.ts'
import { receiveBitswap } from '../exchange/bitswap-inbound.ts'
import { BlockLines } from '../exchange/block-lines.ts'
import { BlockServer } from '../exchange/block-server.ts'
import type { BitswapMessage } from '../../../wire/bitswap.ts'
import { blocksProtocol } from '../../../wire/block-answers.ts'
import { listenFailure } from '../../../libp2p/listen-failure.ts'
import { OwnAddresses } from '../../../libp2p/own-addresses.ts'
import { Reachability } from '../../../libp2p/reachability.ts'
import { isLoopbackOnly, libp2pOptions, setDhtMode } from './node-options.ts'
import type { HeliaNetworkInit } from './node-options.ts'
import type { MultihashHasher } from 'multiformats/hashes/interface'
import { from } from 'multiformats/hashes/hasher'
import { hashFunction } from '../../../hash/multihash.ts'

/** What the embedded node does with the network. Everything but `announce` rejects with NOT_READY before `start` and after `stop`. */
export interface IpfsNetwork {
  start (): Promise<void>
  stop (): Promise<void>
  addresses (): MultiaddrText[]
  /** What other nodes may ask it by, as identify tells. */
  protocols (): string[]
  /** Connected peers. */
  peers (): PeerId[]
  /** Addresses (with /p2p) at which this node reached peers that are connected now. */
  reached (): MultiaddrText[]
  dial (address: MultiaddrText, options: { signal: AbortSignal }): Promise<void>
  /** Those of them that are asked for blocks. */
  askable (): PeerId[]
  /**
   * Asks connected peers, and those that connect later, for a block. Checked against its CID. Waits until it comes or the signal aborts.
   */
  want (cid: CID, options: WantOptions): Promise<Uint8Array>
  /** Has these peers tell once more if they lack a block that is wanted. Never throws. */
  askAgain (cid: CID, peers: readonly PeerId[]): void
  /** Sends a block that is here now to peers that wait for it. Never throws. */
  announce (cids: readonly CID[]): void
  /** Connects to peers that the routing system names for this CID. Resolves to their number; 0 without routing. */
  connectToProviders (cid: CID, options: { signal: AbortSignal }): Promise<number>
  /** Tells the routing system that this block is here. */
  provide (cid: CID, options: { signal: AbortSignal }): Promise<void>
  /** Values that the routing system has for a key, as they come and unchecked. None without routing. */
  values (key: Uint8Array, options: { signal: AbortSignal }): AsyncIterable<Uint8Array>
  /** Gives a value to the routing system. Resolves to the number of peers that took it. */
  putValue (key: Uint8Array, value: Uint8Array, options: { signal: AbortSignal }): Promise<number>
}

export interface WantOptions {
  signal: AbortSignal
  /** Connected peers that are likely to have it: they are asked before all others, one after the other. */
  first?: readonly PeerId[] | undefined
  onAsked?: (peer: PeerId) => void
  /** That peer says that it doesn't have the block. */
  onLacking?: (peer: PeerId) => void
}

export interface IpfsNetworkDeps {
  blockstore: InterfaceBlockstore
  /** A block that is here and may be given to others. */
  blocks: (cid: CID) => Promise<Uint8Array | undefined>
  clock: Clock
  log: Logger
}

/** The parts of @helia/bitswap's broker that its types hide. `network` takes the messages that our inbound handler reads. */
interface BitswapBroker {
  retrieve (cid: CID, options: {
    signal: AbortSignal, onProgress?: (event: { type: string, detail: unknown }) => void
  }): Promise<Uint8Array>
  bitswap: {
    notify (cid: CID): Promise<void>
    getPeerWantlist (peer: Libp2pPeerId): unknown
    network: {
      safeDispatchEvent (type: 'bitswap:message', init: {
        detail: { peer: Libp2pPeerId, message: BitswapMessage, connection: Connection }
      }): boolean
      sendMessage (peer: Libp2pPeerId, message: QueuedMessage): Promise<void>
    }
    wantList: AnswerSource & { peers: { keys (): Iterable<Libp2pPeerId>, size: number } }
    peerWantLists: { ledgerMap: { size: number } }
  }
}

interface Running { helia: { stop (): Promise<unknown> }, libp2p: Libp2p, broker: BitswapBroker }

const bitswapProtocol = '/ipfs/bitswap/1.2.0'
const providersPerSearch = 10
/** A peer that is said to have a block and sends nothing for this long isn't the only one that is asked any more. */
const quietMs = 2000
/** For blocks that are asked for one after the other. */
const lines = { quietMs, idleMs: 30_000, restMs: 600_000 }
const serving = { stallMs: 30_000, maxStreams: 32 }
const streamsPerPeer = 2
const inbound = { stallMs: 30_000, maxMessageBytes: 4 * 1024 * 1024 + 64 * 1024 }
const bitswapOptions = {
  // wantlists only: blocks are sent without a limit in time. One silent peer holds up everybody's wants for this long
  messageSendTimeout: 5000,
  sendWantlistDebounce: 2,
  maxIncomingMessageSize: inbound.maxMessageBytes,
  // a peer that asks again has a reason
  doNotResendBlockWindow: 0,
  // Go's limit; its own messages are 2 MiB
  maxOutgoingMessageSize: 2 * 1024 * 1024
}

/**
 * Helia (light: libp2p and bitswap, no gateways, no delegated routing) on our block store. Its modules are loaded in `start`. Helia's own
 * pins, GC and look-ups of providers aren't used.
 */
export class HeliaNode implements IpfsNetwork {
  readonly #init: HeliaNetworkInit
  readonly #deps: IpfsNetworkDeps
  /** Whether the world can reach this node, and what follows from it. Its worker is for the owner to run. */
  readonly reachability: Reachability
  readonly #addresses: OwnAddresses
  readonly #cancels: BitswapCancels
  readonly #answers = new BitswapAnswers()
  readonly #asks: BitswapAsks
  readonly #lines: BlockLines
  readonly #server: BlockServer
  #running: Running | undefined
  #starting: Promise<void> | undefined
  #stopped = false

  constructor (init: HeliaNetworkInit, deps: IpfsNetworkDeps) {
    this.#init = init
    this.#deps = deps
    this.reachability = new Reachability({ isLoopbackOnly: isLoopbackOnly(init) && init.announce.length === 0, relayHop: false }, {
      ...deps,
      onChange: async reach => { if (init.dht === 'auto') await setDhtMode(this.#now().libp2p, reach === 'public' ? 'server' : 'client') }
    })
    this.#addresses = new OwnAddresses(deps.clock)
    this.#cancels = new BitswapCancels({
      peers: () => [...this.#running?.broker.bitswap.wantList.peers.keys() ?? []],
      send: async (peer, message) => this.#running?.broker.bitswap.network.sendMessage(peer, message),
      clock: deps.clock
    })
    this.#lines = new BlockLines(lines, { open: async (peer, options) => this.#openLine(peer, options), clock: deps.clock, log: deps.log })
    this.#server = new BlockServer(serving, deps)
    this.#asks = new BitswapAsks({ quietMs }, {
      answers: this.#answers,
      send: async (peer, message) => this.#send(peer, message),
      clock: deps.clock
    })
  }

  async start (): Promise<void> {
    this.#starting = this.#start()
    await this.#starting
  }

  /** Waits for a start that is under way: its sockets would outlive it. */
  async stop (): Promise<void> {
    this.#stopped = true
    await this.#starting?.catch(() => {})
    const running = this.#running
    this.#running = undefined
    await running?.helia.stop()
  }

  async #start (): Promise<void> {
    const [{ createHeliaLight }, { withBitswap }, { withLibp2pLight }, dagCbor, options] = await Promise.all([
      import('helia'), import('@helia/bitswap'), import('@helia/libp2p'), import('@ipld/dag-cbor'), libp2pOptions(this.#init, {
        reachability: this.reachability, clock: this.#deps.clock, log: this.#deps.log
      })
    ])
    if (this.#stopped) return
    const core = createHeliaLight({ blockstore: this.#deps.blockstore, codecs: [dagCbor], loadHasher })
    const helia = withLibp2pLight(core, options)
    let broker: BitswapBroker | undefined
    const addBlockBroker = helia.addBlockBroker.bind(helia)
    helia.addBlockBroker = added => {
      broker = added as unknown as BitswapBroker // see BitswapBroker
      addBlockBroker(added)
    }
    // between the two mixins: libp2p is there, bitswap hasn't registered its handler yet
    helia.addMixin({
      name: 'helia-cluster',
      start: async () => {
        this.#takeOverInbound(helia.libp2p as Libp2p, () => broker)
        helia.routing.findProviders = async function * () { /* bitswap would search for every block; see BlockFetcher */ }
      }
    })
    withBitswap(helia as Parameters<typeof withBitswap>[0], bitswapOptions)
    try {
      await helia.start()
    } catch (err) {
      await helia.stop().catch(() => {})
      throw new ClusterError('IPFS_UNAVAILABLE', {}, { message: `the embedded IPFS node doesn't start: ${listenFailure(err)}`, cause: err })
    }
    if (broker == null) throw new ClusterError('INTERNAL', {}, { message: 'bitswap is missing' })
    this.#answers.listenTo(broker.bitswap.wantList)
    await helia.libp2p.handle(blocksProtocol, stream => this.#server.serve(stream), { maxInboundStreams: streamsPerPeer })
    this.#running = { helia, libp2p: helia.libp2p as Libp2p, broker }
  }

  addresses (): MultiaddrText[] { return this.#addresses.of(this.#now().libp2p) }
  protocols (): string[] { return this.#now().libp2p.getProtocols() }
  peers (): PeerId[] { return this.#now().libp2p.getPeers().map(String) }
  askable (): PeerId[] { return [...this.#now().broker.bitswap.wantList.peers.keys()].map(String) }

  reached (): MultiaddrText[] {
    return this.#now().libp2p.getConnections()
      .filter(({ direction, remoteAddr }) => direction === 'outbound' && !remoteAddr.toString().includes('/p2p-circuit'))
      .map(({ remoteAddr, remotePeer }) => `${remoteAddr.toString().replace(/\/p2p\/[^/]+$/, '')}/p2p/${remotePeer.toString()}`)
  }

  async dial (address: MultiaddrText, options: { signal: AbortSignal }): Promise<void> {
    const { parseMultiaddr } = await import('../../../model/multiaddr.ts')
    await this.#now().libp2p.dial(parseMultiaddr(address), options)
  }

  async want (cid: CID, { first = [], ...options }: WantOptions): Promise<Uint8Array> {
    const unwatch = options.onLacking == null ? undefined : this.#answers.watch(cid, { onLacking: options.onLacking })
    try {
      return (first.length === 0 ? undefined : await this.#askFirst(cid, first, options)) ?? await this.#askAll(cid, options)
    } finally {
      unwatch?.()
    }
  }

  /** Asks a connected peer for a block by bitswap, and nobody else. `silent`: it has said nothing for two seconds. */
  async askOnly (cid: CID, peer: PeerId, options: { signal: AbortSignal }): Promise<Uint8Array | 'lacking' | 'silent'> {
    this.#now()
    let isHere = false
    try {
      const answer = await this.#asks.askOnly(cid, peer, options)
      isHere = typeof answer !== 'string'
      return answer
    } finally {
      // it would send the block when it has it some day
      if (!isHere) this.#cancels.add(cid)
    }
  }

  async #askFirst (cid: CID, peers: readonly PeerId[], { signal, onAsked }: WantOptions): Promise<Uint8Array | undefined> {
    this.#now()
    // who speaks our own protocol has no bitswap to do for it
    const given = await this.#lines.ask(cid, peers, { signal, onAsked })
    if (given != null) return given
    const asked: PeerId[] = []
    let isHere = false
    try {
      const bytes = await this.#asks.ask(cid, peers, { signal, onAsked: peer => { asked.push(peer); onAsked?.(peer) } })
      isHere = bytes != null
      return bytes
    } finally {
      // who was asked before may still be about to send it; when all are asked next, a cancel would take that back
      if (signal.aborted || (isHere && asked.length > 1)) this.#cancels.add(cid)
    }
  }

  async #askAll (cid: CID, { signal, onAsked }: WantOptions): Promise<Uint8Array> {
    const { broker } = this.#now()
    let isHere = false
    try {
      const bytes = await broker.retrieve(cid, {
        signal,
        ...(onAsked == null ? {} : { onProgress: event => { if (event.type === 'bitswap:send-wantlist') onAsked(String(event.detail)) } })
      })
      isHere = true
      return bytes
    } finally {
      // the only peer has sent it: nothing to take back
      if (!isHere || broker.bitswap.wantList.peers.size > 1) this.#cancels.add(cid)
    }
  }

  async #send (peer: PeerId, message: QueuedMessage): Promise<void> {
    await this.#now().broker.bitswap.network.sendMessage(this.#connected(peer), message)
  }

  #connected (peer: PeerId): Libp2pPeerId {
    const connected = [...this.#now().broker.bitswap.wantList.peers.keys()].find(known => known.toString() === peer)
    if (connected == null) throw new ClusterError('PEER_UNREACHABLE', { peer })
    return connected
  }

  /** Undefined for a peer that doesn't speak the protocol, as it told when it was connected. */
  async #openLine (peer: PeerId, options: { signal: AbortSignal }): Promise<Stream | undefined> {
    const { libp2p } = this.#now()
    const connected = this.#connected(peer)
    const { protocols } = await libp2p.peerStore.get(connected)
    return protocols.includes(blocksProtocol) ? libp2p.dialProtocol(connected, blocksProtocol, options) : undefined
  }

  askAgain (cid: CID, peers: readonly PeerId[]): void { for (const peer of peers) this.#asks.askAgain(cid, peer) }

  announce (cids: readonly CID[]): void {
    const bitswap = this.#running?.broker.bitswap
    if (bitswap == null || bitswap.peerWantLists.ledgerMap.size === 0) return
    for (const cid of cids) {
      bitswap.notify(cid).catch(err => this.#deps.log.debug('a waiting peer did not get a block', { cid: cid.toString(), err }))
    }
  }

  async connectToProviders (cid: CID, { signal }: { signal: AbortSignal }): Promise<number> {
    if (this.#init.dht === 'off') return 0
    const { libp2p } = this.#now()
    const dials: Array<Promise<boolean>> = []
    for await (const provider of libp2p.contentRouting.findProviders(cid, { signal })) {
      dials.push(libp2p.dial(provider.id, { signal }).then(() => true, () => false))
      if (dials.length >= providersPerSearch) break
    }
    return (await Promise.all(dials)).filter(Boolean).length
  }

  async provide (cid: CID, options: { signal: AbortSignal }): Promise<void> {
    await this.#now().libp2p.contentRouting.provide(cid, options)
  }

  async * values (key: Uint8Array, { signal }: { signal: AbortSignal }): AsyncGenerator<Uint8Array> {
    for await (const event of dhtOf(this.#now().libp2p)?.get(key, { signal }) ?? []) {
      // libp2p holds the values themselves back until the search is over
      if (event.name === 'PEER_RESPONSE' && event.record != null) yield event.record.value
    }
  }

  async putValue (key: Uint8Array, value: Uint8Array, { signal }: { signal: AbortSignal }): Promise<number> {
    const takers = new Set<string>()
    for await (const event of dhtOf(this.#now().libp2p)?.put(key, value, { signal }) ?? []) {
      if (event.name === 'PEER_RESPONSE' && event.messageName === 'PUT_VALUE') takers.add(event.from.toString())
    }
    return takers.size
  }

  /** From now on, who registers a handler for bitswap gets ours in its place. */
  #takeOverInbound (libp2p: Libp2p, broker: () => BitswapBroker | undefined): void {
    const handle = libp2p.handle.bind(libp2p)
    const onStream = (stream: Stream, connection: Connection): void => receiveBitswap(stream, inbound, {
      clock: this.#deps.clock,
      deliver: message => {
        const bitswap = broker()?.bitswap
        // lets go of wants that were answered: the engine takes one that comes again for the old one
        if (message.wantlist != null) bitswap?.getPeerWantlist(connection.remotePeer)
        bitswap?.network.safeDispatchEvent('bitswap:message', { detail: { peer: connection.remotePeer, message, connection } })
      }
    })
    libp2p.handle = async (protocols, handler, options) =>
      handle(protocols, [protocols].flat().includes(bitswapProtocol) ? onStream : handler, options)
  }

  #now (): Running {
    if (this.#running == null) {
      throw new ClusterError('NOT_READY', {}, { message: 'the embedded IPFS node is not connected to the network' })
    }
    return this.#running
  }
}

const dhtOf = (libp2p: Libp2p): KadDHT | undefined => (libp2p.services as { dht?: KadDHT }).dht

/**
 * The hasher with which Helia checks blocks of a multihash code (sha2-256 and identity are built into it). Throws INVALID_ARGUMENT for
 * unknown ones.
 */
async function loadHasher (code: number): Promise<MultihashHasher> {
  const { digest } = await hashFunction(code)
  return from({ code, name: `multihash-${code.toString(16)}`, encode: input => Uint8Array.from(digest(input)) }) as MultihashHasher
}
