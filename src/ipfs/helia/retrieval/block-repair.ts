import { deadline } from '../../../base/clock.ts'
import type { Clock } from '../../../base/clock.ts'
import { ClusterError } from '../../../base/errors.ts'
import type { Logger } from '../../../base/log.ts'
import type { Worker } from '../../../base/worker.ts'
import type { Blockstore } from '../../../blockstore/blockstore.ts'
import { damageOf, damageRow } from '../../../datastore/datastore.ts'
import type { Datastore } from '../../../datastore/datastore.ts'
import type { CID } from '../../../model/cid.ts'
import type { AllocatedNodes } from './allocated-nodes.ts'
import type { BlockFetcher } from './block-fetcher.ts'
import type { LocalNode } from '../local-node.ts'

export interface BlockRepairInit {
  /** How long one block is waited for. Milliseconds. */
  requestTimeoutMs: number
}

export interface BlockRepairDeps {
  blockstore: Blockstore
  datastore: Datastore
  local: Pick<LocalNode, 'roots' | 'walk' | 'isLeaf'>
  fetcher: Pick<BlockFetcher, 'fetch'>
  /** The nodes of the peers that shall have what is below a root. */
  holders: Pick<AllocatedNodes, 'connected' | 'allConnected'>
  networkReady (signal: AbortSignal): Promise<void>
  clock: Clock
  log: Logger
}

/** A pinned DAG may not be whole: it stays until one pass has found all of them whole. Empty before the first pass. */
const repairRow = '/repair'
/** Also the time that the tracker has to pin again what a damaged table of roots has lost. */
const intervalMs = 60_000

/** Throws NOT_READY while a collection could take what a damaged table of roots has forgotten. */
export function checkCollectable (datastore: Pick<Datastore, 'get'>): void {
  if (damageOf(datastore) == null && datastore.get(repairRow)?.length !== 0) return
  throw new ClusterError('NOT_READY', {}, {
    message: 'the disk was damaged, and what is pinned is being checked: no garbage is collected before that is done, in some minutes'
  })
}

/** Fetches blocks of pinned DAGs again that damage of the disk has taken. Looks through all pins only when there was damage. */
export function blockRepair (init: BlockRepairInit, deps: BlockRepairDeps): Worker {
  const { blockstore, datastore, log } = deps
  let lostBefore = 0
  return {
    name: 'block repair',
    intervalMs: () => intervalMs,
    jitter: 0.2,
    runAtStart: false,
    work: async signal => {
      const lost = blockstore.lostBlocks?.() ?? 0
      if (lost > lostBefore || damageOf(datastore) != null) {
        await datastore.write([{ key: repairRow, value: new Uint8Array(0) }, { key: damageRow, value: undefined }], { sync: true })
        log.warn('blocks of pinned content may be gone: what is missing is fetched again', { lostBlocks: lost })
      }
      lostBefore = lost
      if (!datastore.has(repairRow)) return 'idle'
      await deps.networkReady(signal)
      const missing = await new RepairRun(init, deps, signal).all()
      log.info('pinned content has been looked through', missing)
      const isWhole = missing.pins === 0 && (blockstore.lostBlocks?.() ?? 0) === lost
      await datastore.write([{ key: repairRow, value: isWhole ? undefined : Uint8Array.of(1) }])
      return 'idle'
    }
  }
}

class RepairRun {
  readonly #init: BlockRepairInit
  readonly #deps: BlockRepairDeps
  readonly #signal: AbortSignal

  constructor (init: BlockRepairInit, deps: BlockRepairDeps, signal: AbortSignal) {
    this.#init = init
    this.#deps = deps
    this.#signal = signal
  }

  /** How many pins are still incomplete. */
  async all (): Promise<{ pins: number }> {
    let pins = 0
    for await (const roots of this.#deps.local.roots.list({ signal: this.#signal })) {
      for (const root of roots) if (!await this.#isWhole(root)) pins++
    }
    return { pins }
  }

  async #isWhole ({ cid, depth }: { cid: CID, depth: number }): Promise<boolean> {
    try {
      if (depth === 0 || this.#deps.local.isLeaf(cid)) await this.#bytes(cid, cid)
      else await this.#deps.local.walk(cid, { depth, get: async block => this.#bytes(block, cid), signal: this.#signal })
      return true
    } catch (err) {
      this.#signal.throwIfAborted()
      this.#deps.log.warn(
        'a pin is incomplete after damage of the disk, and nobody sends what is missing; it is tried again', { cid: cid.toString(), err }
      )
      return false
    }
  }

  /** Reads the block, so that damage is found; one that isn't here is fetched, as long as somebody may have it. */
  async #bytes (cid: CID, root: CID): Promise<Uint8Array> {
    const here = await this.#deps.blockstore.get(cid)
    if (here != null) return here
    const { clock, fetcher, holders } = this.#deps
    const limit = deadline(
      clock, this.#init.requestTimeoutMs,
      () => new ClusterError('TIMEOUT', { cid: cid.toString() }, { message: `no peer sent ${cid.toString()} in time` }), this.#signal
    )
    try {
      return await fetcher.fetch(cid, {
        signal: limit.signal, first: await holders.connected(root, limit.signal), untilNobody: true,
        expected: async waiting => holders.allConnected(root, waiting)
      })
    } finally {
      limit.clear()
    }
  }
}
