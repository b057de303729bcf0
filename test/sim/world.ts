import { isClusterError } from '../../src/base/errors.ts'
import { silentLogger } from '../../src/base/log.ts'
import type { Logger } from '../../src/base/log.ts'
import type { PinsetChange } from '../../src/consensus/consensus.ts'
import type { CID, PeerId } from '../../src/model/cid.ts'
import { blockKey } from '../../src/wire/crdt-block.ts'
import { pinKey } from '../../src/wire/pin-key.ts'
import { SimClock } from '../support/sim-clock.ts'
import { SimNetwork } from '../support/sim-network.ts'
import { Dice } from './dice.ts'
import type { KnownBlocks } from './inspection.ts'
import { missingLinks } from './inspection.ts'
import { Ledger } from './ledger.ts'
import type { SimSettings } from './settings.ts'
import { SimPeer } from './sim-peer.ts'
import type { Run } from './sim-peer.ts'
import { Trace } from './trace.ts'

/** What a run has told its listeners: every change in order, by pin key. */
export interface Told { changes: Map<string, Array<string | undefined>> }

/** All peers of a run, what happens between them and what was found wrong. */
export class World {
  readonly settings: SimSettings
  readonly clock = new SimClock()
  readonly dice: Dice
  /** For clocks that are set. */
  readonly clockDice: Dice
  /** Peers whose clocks are set wrong for a time, and what sets each right. */
  readonly wrongClocks = new Map<SimPeer, () => void>()
  readonly network: SimNetwork
  readonly peers: SimPeer[]
  readonly ledger = new Ledger()
  readonly trace: Trace
  readonly told = new WeakMap<Run, Told>()
  readonly blocks: KnownBlocks = new Map()
  lastAsked: SimPeer | undefined
  /** Nothing goes wrong any more. */
  isPeace = false
  /** Keys of blocks that were made while their writers missed others. */
  readonly inTheDark = new Set<string>()
  /** A user took a peer out of the cluster. */
  hasRemovals = false
  /** When a peer told that another one's pinset is silently different, */
  readonly alarms: Array<{ at: number }> = []
  /** which is wrong in worlds where none is. */
  expectsAlarms = false
  /** Broken promises. */
  readonly faults: string[] = []
  readonly #names: ReadonlyMap<PeerId, string>

  constructor (settings: SimSettings, print?: (line: string) => void) {
    const { clock } = this
    const start = clock.now()
    this.settings = settings
    const dice = this.dice = new Dice(settings.seed ^ 0x5eed)
    this.clockDice = new Dice(settings.seed ^ 0xc10c5)
    const trace = this.trace = new Trace(() => clock.now() - start, print)
    this.#names = new Map(settings.peers.map(({ id, name }) => [id, name]))
    const seen = (what: string, from: PeerId, to: PeerId, bytes: number): void => {
      trace.note(`${what} ${this.nameOf(from)} > ${this.nameOf(to)} ${bytes}`)
    }
    const history = { faults: settings.history, random: new Dice(settings.seed ^ 0x57e4) }
    this.network = new SimNetwork(settings.network, { clock, random: dice, history, seen })
    const log = print == null ? silentLogger : printingLogger(trace)
    const announcedTooEarly = (peer: SimPeer, head: CID): void =>
      this.fault(`${peer.settings.name} announces ${head.toString()} without having it`)
    const writtenInTheDark = (block: CID): void => { this.inTheDark.add(blockKey(block)) }
    const collectedWanted = (peer: SimPeer, cid: CID): void =>
      this.fault(`${peer.settings.name} collected ${cid.toString()}, which it wants`)
    this.peers = settings.peers.map(peer => new SimPeer(peer, settings, {
      clock, dice, network: this.network, log, announcedTooEarly, writtenInTheDark, collectedWanted
    }))
  }

  nameOf (peer: PeerId): string { return this.#names.get(peer) ?? peer }

  fault (what: string): void {
    this.trace.note(`FAULT ${what}`)
    this.faults.push(what)
  }

  /** Peers that answer users. */
  ready (): SimPeer[] { return this.peers.filter(({ run }) => run?.isReady === true && !run.clock.isHeld) }

  /** Also tries again and again while the disk is full, as a service manager does. */
  start (peer: SimPeer): void {
    this.trace.note(`start ${peer.settings.name}`)
    peer.start(run => this.#watch(run, peer)).then(
      () => this.trace.note(`ready ${peer.settings.name}`),
      err => {
        if (!isClusterError(err, 'STORAGE_FULL')) return this.fault(`${peer.settings.name} does not start: ${String(err)}`)
        this.clock.after(this.dice.between(1, 60_000), () => { if (peer.run == null) this.start(peer) })
      })
  }

  stop (peer: SimPeer): void {
    this.trace.note(`stop ${peer.settings.name}`)
    peer.stop().then(
      () => this.trace.note(`stopped ${peer.settings.name}`),
      err => this.fault(`${peer.settings.name} does not stop cleanly: ${String(err)} ${String((err as AggregateError).errors)}`))
  }

  crash (peer: SimPeer): void {
    this.trace.note(`crash ${peer.settings.name}`)
    peer.crash()
    this.ledger.forget(peer.id)
  }

  /** The dirty flag is never false while a branch is missing, and every missing block is on record. */
  async checkDirty (peer: SimPeer): Promise<void> {
    const { run } = peer
    if (run?.isReady !== true) return
    const { dirty } = run.consensus.progress()
    for (const [id, isOnRecord] of await missingLinks(peer.pinsetDisk, this.blocks)) {
      if (!dirty) this.fault(`${peer.settings.name} is not dirty although it misses ${id}`)
      if (!isOnRecord) this.fault(`${peer.settings.name} does not know that it misses ${id}`)
    }
  }

  #watch (run: Run, { settings: { name } }: SimPeer): void {
    run.cluster.onSync(({ peer, isTrusted, state }) => {
      if (!isTrusted || state !== 'out_of_sync') return
      this.alarms.push({ at: this.clock.now() })
      if (!this.expectsAlarms) this.fault(`${name} tells that the pinset of ${this.nameOf(peer)} is out of sync`)
    })
    const changes: Told['changes'] = new Map()
    this.told.set(run, { changes })
    run.consensus.onChange((batch: readonly PinsetChange[]) => {
      for (const { cid, pin } of batch) {
        const key = pinKey(cid)
        const known = changes.get(key)
        if (known == null) changes.set(key, [pin?.name])
        else known.push(pin?.name)
      }
    })
  }
}

function printingLogger (trace: Trace, component = ''): Logger {
  const say = (message: string, facts?: object): void => {
    trace.note(
      `  ${component}: ${message} ${facts == null ? '' : JSON.stringify(facts, (_, value) => value instanceof Error ? value.message : typeof value === 'bigint' ? String(value) : value as unknown)}`
    )
  }
  return { debug: () => {}, info: say, warn: say, error: say, child: name => printingLogger(trace, name) }
}
