import { isClusterError, messageOf } from '../base/errors.ts'
import { silentLogger, type Logger } from '../base/log.ts'
import { systemClock, systemRandom } from '../base/system.ts'
import { WorkerRunner } from '../base/worker.ts'
import { crdtConsensus } from '../consensus/crdt/crdt-consensus.ts'
import { DigestKey } from '../consensus/crdt/digest/digest-key.ts'
import type { Consensus } from '../consensus/consensus.ts'
import type { Datastore } from '../datastore/datastore.ts'
import { offlineBroadcast, offlineExchange } from '../network/offline/offline.ts'
import { faultInLine, jsonValues } from './json-values.ts'
import type { JsonValue } from './json-values.ts'
import { checkRules, importedPin } from './imported-pin.ts'
import type { ImportRules } from './imported-pin.ts'
import { replaceState } from './stopped-state.ts'

export interface ImportInit {
  /** The peer's state folder, locked by the caller. */
  state: string
  rules: ImportRules
  clusterName: string
  /** The cluster's secret, with which the peer will know its pinset's digest; undefined: none. */
  secret: Uint8Array | undefined
}

/** Pins that are handed over at once; enough that a delta block is worth its sync, few enough to take little memory. */
const pinsAtOnce = 512

/**
 * Replaces the pinset by the pins of an export; gives their number. Throws INVALID_DATA with the line at fault (`details.line`), and
 * whatever the input throws; then nothing was changed. Memory doesn't grow with the file.
 */
export async function importState (init: ImportInit, input: AsyncIterable<Uint8Array>, deps: { log: Logger }): Promise<number> {
  checkRules(init.rules)
  return replaceState(init.state, deps, async datastore => fill(init, datastore, input))
}

async function fill ({ rules, clusterName, secret }: ImportInit, datastore: Datastore, input: AsyncIterable<Uint8Array>): Promise<number> {
  const clock = systemClock
  const workers = new WorkerRunner({ clock, random: systemRandom, log: silentLogger })
  const consensus = crdtConsensus({
    self: rules.self,
    clusterName,
    digestKey: new DigestKey(secret),
    trustedPeers: [],
    rebroadcastIntervalMs: 3_600_000,
    repairIntervalMs: 0,
    batching: { maxBatchSize: 0, maxBatchAgeMs: 0, maxQueueSize: Infinity }
  }, { datastore, broadcast: offlineBroadcast(), exchange: offlineExchange(), workers, clock, log: silentLogger })
  await consensus.start(new AbortController().signal)
  try {
    const puts = new Puts(consensus)
    const gathered: JsonValue[] = []
    for await (const values of jsonValues(input)) {
      gathered.push(...values)
      if (gathered.length >= pinsAtOnce) await puts.all(gathered.splice(0), rules)
    }
    await puts.all(gathered, rules)
    await puts.done()
    return consensus.state.size()
  } finally {
    await consensus.stop()
  }
}

/** Not the disk's or the program's. */
const isPinFault = (err: unknown): boolean => (
  ['INVALID_ARGUMENT', 'INVALID_CID', 'PIN_TOO_LARGE'] as const
).some(code => isClusterError(err, code))

/** Many puts under way at once: they share delta blocks, in the order of the file. */
class Puts {
  readonly #consensus: Consensus
  #waiting = 0
  #failed: { err: unknown } | undefined
  #resume: (() => void) | undefined

  constructor (consensus: Consensus) { this.#consensus = consensus }

  /** Resolves when half of them are stored, so that the next ones are read while the rest is written. */
  async all (values: readonly JsonValue[], rules: ImportRules): Promise<void> {
    for (const value of values) this.#add(value, rules)
    await this.#until(() => this.#waiting < pinsAtOnce / 2)
  }

  async done (): Promise<void> { await this.#until(() => this.#waiting === 0) }

  #add ({ value, line }: JsonValue, rules: ImportRules): void {
    this.#waiting++
    this.#put(value, rules).catch((err: unknown) => {
      this.#failed ??= { err: isPinFault(err) ? faultInLine(line, messageOf(err), err) : err }
    }).finally(() => {
      this.#waiting--
      this.#resume?.()
    })
  }

  async #put (value: unknown, rules: ImportRules): Promise<void> { await this.#consensus.put(importedPin(value, rules)) }

  async #until (condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>(resolve => { this.#resume = resolve })
    if (this.#failed != null) throw this.#failed.err
  }
}
