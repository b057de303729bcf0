import type { Clock } from '../../base/clock.ts'
import { answerText, ClusterError, isClusterError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker } from '../../base/worker.ts'
import type { Consensus } from '../../consensus/consensus.ts'
import type { Auditor } from '../../ipfs/audit.ts'
import type { IpfsConnector } from '../../ipfs/ipfs.ts'
import type { MultiaddrText, PeerId } from '../../model/cid.ts'
import { isEverywhere } from '../../model/pin.ts'
import type { Pin } from '../../model/pin.ts'
import type { AuditOrder, AuditResult, AuditRun } from '../cluster-api.ts'
import type { Members } from '../peers/members.ts'
import type { AuditRows } from './audit-rows.ts'
import { pacer } from './pacer.ts'

/** Times in milliseconds. */
export interface AuditPolicy {
  /** How often everything that this peer holds is read. 0: only when somebody asks. */
  intervalMs: number
  /** How many bytes it reads each second. 0: as fast as the disk gives. */
  maxRateBytes: number
  /** Whether the audit by itself fetches again what is missing or damaged. */
  repair: boolean
}

export interface AuditsInit { self: PeerId, audit?: AuditPolicy | undefined }

/** The IPFS node of a peer: its ID, '' when the peer has none that answers, and where it listens. */
export interface AuditedNode { id: PeerId, addresses: readonly MultiaddrText[] }

export interface AuditsDeps {
  consensus: Pick<Consensus, 'state'>
  ipfs: Pick<IpfsConnector, 'auditor'>
  members: Members
  /** What another peer says of its IPFS node, when it is asked. */
  nodeOf: (peer: PeerId, signal: AbortSignal) => Promise<AuditedNode>
  /** Keeps results and the time of the last round. */
  rows: AuditRows
  clock: Clock
  log: Logger
}

const lookMs = 1000
/** Random walks down that another node is asked to show of each pin. */
const walksPerPin = 3
const mostRuns = 20

/** Whether blocks of the pin have to be on that peer. */
const holds = (peer: PeerId, pin: Pin): boolean => pin.type !== 'meta-pin' && (isEverywhere(pin) || pin.allocations.includes(peer))

/** So that a run tells how far it is within a pin, too. */
const counting = (run: AuditRun, pace: (bytes: number) => Promise<void>) => async (bytes: number): Promise<void> => {
  run.blocks++
  run.bytes += bytes
  await pace(bytes)
}

interface Wanted { order: AuditOrder, run: AuditRun }

/**
 * The use case "is the data really there": reads what this peer holds, block by block, once in a while and when somebody asks; or lets
 * another peer's IPFS node show that it has what is allocated to it. One run at a time; one that was asked for goes before the audit by
 * itself, which goes on afterwards.
 */
export class Audits {
  /** Pins that were looked at since the start, by what was found. */
  readonly counts: Record<AuditResult['state'], number> = { good: 0, repaired: 0, bad: 0, failed: 0 }
  readonly #init: AuditsInit
  readonly #deps: AuditsDeps
  readonly #rows: AuditRows
  /** Newest last. */
  #runs: AuditRun[] = []
  #wanted: Wanted | undefined
  #current: { run: AuditRun, abort: AbortController } | undefined
  /** What a peer has said of its IPFS node in that run. */
  #node: { run: AuditRun, node: AuditedNode } | undefined
  #nextId = 1

  constructor (init: AuditsInit, deps: AuditsDeps) {
    this.#init = init
    this.#deps = deps
    this.#rows = deps.rows
  }

  /**
   * Begins soon. Throws UNSUPPORTED when the IPFS node can't, NOT_FOUND for a peer that is no member, NOT_PINNED for a CID that isn't in
   * the pinset, INVALID_ARGUMENT for one whose blocks are those of its shards, CONFLICT while another one runs that was asked for.
   */
  start (order: AuditOrder): AuditRun {
    const { members, consensus, clock } = this.#deps
    this.#auditor()
    const peer = order.peer ?? this.#init.self
    if (!members.has(peer)) throw new ClusterError('NOT_FOUND', { peer }, { message: `peer ${peer} is not there` })
    if (peer !== this.#init.self && order.repair) {
      throw new ClusterError('INVALID_ARGUMENT', { peer }, { message: 'a peer repairs what it holds itself: ask that peer' })
    }
    const sharded = order.cids?.find(cid => consensus.state.get(cid)?.type === 'meta-pin')
    if (sharded != null) {
      throw new ClusterError('INVALID_ARGUMENT', { cid: sharded.toString() }, {
        message: `${sharded.toString()} was added in shards, which are pins of their own: audit those, or all`
      })
    }
    const lost = order.cids?.find(cid => !consensus.state.has(cid))
    if (lost != null) throw new ClusterError('NOT_PINNED', { cid: lost.toString() })
    if (this.#wanted != null || this.#current?.run.isByItself === false) {
      throw new ClusterError('CONFLICT', {}, { message: 'another audit is under way' })
    }
    const run = this.#begun({ peer, repair: order.repair, isByItself: false, now: clock.now() })
    this.#wanted = { order: { ...order, peer }, run }
    this.#current?.abort.abort(new ClusterError('CONFLICT', {}, { message: 'another audit goes first' }))
    return { ...run }
  }

  /** Learns from the disk what earlier audits found. */
  async load (signal: AbortSignal): Promise<void> { await this.#rows.load(signal) }

  /** Pins of this peer that its audits found damaged, and not whole since. */
  get damagedPins (): number { return this.#rows.damagedCount }

  /** Newest first. */
  runs (): AuditRun[] { return this.#runs.toReversed().map(run => ({ ...run })) }

  /** Ends the one under way, or the one that is about to begin. NOT_FOUND without any. */
  cancel (): AuditRun {
    const run = this.#wanted?.run ?? this.#current?.run
    if (run == null) throw new ClusterError('NOT_FOUND', {}, { message: 'no audit is under way' })
    if (this.#wanted == null) this.#current?.abort.abort(new ClusterError('CONFLICT', {}, { message: 'cancelled' }))
    else this.#end(this.#wanted.run, 'cancelled')
    this.#wanted = undefined
    return { ...run }
  }

  /** The latest result of each pin, by peer. Of pins that are gone nothing is told. */
  async * results (options: { isBad?: boolean, signal?: AbortSignal }): AsyncGenerator<AuditResult[], void, undefined> {
    const { state } = this.#deps.consensus
    for await (const batch of this.#rows.list(options)) {
      const here = batch.filter(({ cid }) => state.has(cid))
      if (here.length > 0) yield here
    }
  }

  worker (): Worker {
    return {
      name: 'audit',
      intervalMs: () => lookMs,
      work: async signal => {
        const wanted = this.#wanted
        this.#wanted = undefined
        if (wanted != null) await this.#run(wanted, signal)
        else if (this.#isDue()) await this.#round(signal)
        return 'idle'
      }
    }
  }

  #isDue (): boolean {
    const { intervalMs = 0 } = this.#init.audit ?? {}
    if (intervalMs === 0 || this.#deps.ipfs.auditor == null) return false
    const { lastRoundAt, roundBegan } = this.#rows.rounds(this.#deps.clock.now())
    return roundBegan != null || this.#deps.clock.now() - lastRoundAt >= intervalMs
  }

  /** Everything once; goes on where it was interrupted. */
  async #round (signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps
    const began = await this.#rows.beginRound(clock.now())
    const run = this.#begun({ peer: this.#init.self, repair: this.#init.audit?.repair ?? false, isByItself: true, now: clock.now() })
    await this.#run({ order: { repair: run.repair, notSince: began }, run }, signal)
    if (run.state !== 'done') return
    await this.#rows.endRound(clock.now())
    await this.#rows.forget(cid => !this.#deps.consensus.state.has(cid))
  }

  async #run ({ order, run }: Wanted, signal: AbortSignal): Promise<void> {
    const abort = new AbortController()
    const onAbort = (): void => abort.abort(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    this.#current = { run, abort }
    try {
      const pace = pacer(this.#init.audit?.maxRateBytes ?? 0, this.#deps.clock, abort.signal)
      for await (const pin of this.#pins(order, run.peer)) {
        abort.signal.throwIfAborted()
        if (pin === 'unpinned') {
          run.skipped++
          continue
        }
        if (order.notSince != null && (this.#rows.get(run.peer, pin.cid)?.at ?? 0) >= order.notSince) continue
        await this.#look(pin, { run, pace, signal: abort.signal })
      }
      this.#end(run, 'done')
    } catch (err) {
      this.#end(run, abort.signal.aborted ? 'cancelled' : 'failed', abort.signal.aborted ? '' : answerText(err))
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#current = undefined
    }
    const { bad, badBlocks, repairedBlocks, pins, bytes } = run
    this.#deps.log[bad > 0 ? 'warn' : 'info']('an audit is over', {
      peer: run.peer, state: run.state, pins, bytes, bad, badBlocks, repairedBlocks
    })
  }

  /** `unpinned`: what was named has been unpinned meanwhile. */
  async * #pins ({ cids, sharePercent = 100 }: AuditOrder, peer: PeerId): AsyncGenerator<Pin | 'unpinned'> {
    const { state } = this.#deps.consensus
    if (cids != null) {
      for (const cid of cids) yield state.get(cid) ?? 'unpinned'
      return
    }
    // every n-th, from a place that is another one each time
    let left = (this.#deps.clock.now() % 1000) / 1000 * 100
    for await (const batch of state.pins()) {
      for (const pin of batch) {
        if (!holds(peer, pin)) continue
        left += sharePercent
        if (left < 100) continue
        left -= 100
        yield pin
      }
    }
  }

  async #look (pin: Pin, { run, pace, signal }: {
    run: AuditRun, pace: (bytes: number) => Promise<void>, signal: AbortSignal
  }): Promise<void> {
    const result: AuditResult = {
      peer: run.peer, cid: pin.cid, at: this.#deps.clock.now(), state: 'good', blocks: 0, bytes: 0, badBlocks: [], badCount: 0, repaired: 0,
      error: ''
    }
    if (run.peer !== this.#init.self && !holds(run.peer, pin)) return void run.skipped++
    try {
      if (run.peer === this.#init.self) await this.#read(pin, result, { repair: run.repair, pace: counting(run, pace), signal })
      else await this.#challenge(pin, { result, run }, signal)
    } catch (err) {
      signal.throwIfAborted()
      // it isn't pinned here, which its status tells
      if (isClusterError(err, 'NOT_FOUND')) return void run.skipped++
      Object.assign(result, { state: 'failed', error: answerText(err) })
    }
    run.pins++
    this.counts[result.state]++
    run.badBlocks += result.badCount
    run.repairedBlocks += result.repaired
    if (result.state !== 'good') run.bad++
    if (result.state === 'failed') run.failed++
    if (result.state === 'bad' || result.state === 'failed') {
      this.#deps.log.error('a pin is incomplete. `helia-cluster-ctl audit --repair` gets its blocks from the others', {
        peer: run.peer, cid: pin.cid.toString(), blocks: result.badBlocks.slice(0, 3).join(' '), error: result.error
      })
    }
    await this.#rows.put(result)
  }

  async #read (
    pin: Pin, result: AuditResult, options: { repair: boolean, pace: (bytes: number) => Promise<void>, signal: AbortSignal }
  ): Promise<void> {
    const { blocks, bytes, bad, badCount, repaired } = await this.#auditor().audit(pin, options)
    Object.assign(result, {
      blocks, bytes, badBlocks: bad.map(String), badCount, repaired,
      state: badCount === 0 ? 'good' : badCount === repaired ? 'repaired' : 'bad'
    })
  }

  async #challenge (pin: Pin, { result, run }: { result: AuditResult, run: AuditRun }, signal: AbortSignal): Promise<void> {
    const { id, addresses } = await this.#nodeOf(run, signal)
    if (id === '') {
      throw new ClusterError('PEER_UNREACHABLE', { peer: run.peer }, { message: 'the peer does not say what its IPFS node is' })
    }
    const { asked, bytes, failed } = await this.#auditor().challenge(pin.cid, {
      peer: id, addresses, walks: walksPerPin, depth: pin.maxDepth, signal
    })
    Object.assign(result, {
      blocks: asked - failed.length, bytes, badBlocks: failed.map(String), badCount: failed.length,
      state: failed.length === 0 ? 'good' : 'bad'
    })
    run.blocks += result.blocks
    run.bytes += bytes
  }

  /**
   * The IPFS node of the peer that is looked at. Its ping names no loopback addresses, as Go's: when it has no others, the peer itself is
   * asked, once in a run that gets an answer.
   */
  async #nodeOf (run: AuditRun, signal: AbortSignal): Promise<AuditedNode> {
    const { ipfsId, ipfsAddresses } = this.#deps.members.ping(run.peer)
    if (ipfsAddresses.length > 0) return { id: ipfsId, addresses: ipfsAddresses }
    const known = this.#node?.run === run ? this.#node.node : undefined
    if (known != null) return known
    const said = await this.#deps.nodeOf(run.peer, signal).catch(err => {
      signal.throwIfAborted()
      this.#deps.log.warn('the peer does not say where its IPFS node is', { peer: run.peer, err })
      return undefined
    })
    if (said == null || said.id === '') return { id: ipfsId, addresses: [] }
    this.#node = { run, node: said }
    return said
  }

  #auditor (): Auditor {
    const { auditor } = this.#deps.ipfs
    if (auditor == null) {
      throw new ClusterError('UNSUPPORTED', {}, { message: 'only the embedded IPFS node can audit; let another peer audit this one' })
    }
    return auditor
  }

  #begun ({ peer, repair, isByItself, now }: { peer: PeerId, repair: boolean, isByItself: boolean, now: number }): AuditRun {
    const run: AuditRun = {
      id: this.#nextId++, peer, state: 'running', repair, isByItself, since: now, endedAt: null, pins: 0, skipped: 0, blocks: 0, bytes: 0,
      bad: 0, failed: 0, badBlocks: 0, repairedBlocks: 0, error: ''
    }
    this.#runs = [...this.#runs, run].slice(-mostRuns)
    return run
  }

  #end (run: AuditRun, state: AuditRun['state'], error = ''): void { Object.assign(run, { state, error, endedAt: this.#deps.clock.now() }) }
}

