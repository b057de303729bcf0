import { gateway } from '../../api/gateway/gateway.ts'
import type { Gateway, GatewayDeps } from '../../api/gateway/gateway.ts'
import type { Clock, Random } from '../../base/clock.ts'
import { isClusterError } from '../../base/errors.ts'
import type { LogFacts, Logger } from '../../base/log.ts'
import { PortCalls } from '../../base/port-calls.ts'
import type { CallPort } from '../../base/port-calls.ts'
import type { Share } from '../../base/shares.ts'
import { placedReader } from '../../blockstore/segments/placed-reader.ts'
import { BytesInFlight } from '../../http/answer/bytes-in-flight.ts'
import type { DagReader } from '../../ipfs/dag-reader.ts'
import { dagReader } from '../../ipfs/helia/unixfs/dag-reader.ts'
import { ThreadBlocks } from '../../ipfs/other-thread/blocks.ts'
import { threadPendingImports } from '../../ipfs/other-thread/pending-imports.ts'
import { threadNames } from '../../ipfs/other-thread/names.ts'
import { Places } from '../../ipfs/other-thread/places.ts'
import { ThreadRefusals } from '../../ipfs/other-thread/refusals.ts'
import { measuredRequests } from '../../observe/measured-requests.ts'
import { servingShares } from './thread-init.ts'
import type { LogNote, Measure, ServingShares, ThreadInit } from './thread-init.ts'

/** 64 KiB of content and more are behind each: with the usual chunks 4 GiB. */
const placesKept = 16_384

export interface ServeDeps {
  port: CallPort
  clock: Clock
  random: Random
  /** Default: the embedded node's. */
  dags?: DagReader
}

/**
 * A gateway in a thread of its own. The other end of the port starts, drains and stops it, and answers what it can't know:
 * `docs/design/gateway-threads.md`.
 */
export function serveGateway (init: ThreadInit, { port, clock, random, ...deps }: ServeDeps): void {
  let running: Gateway | undefined
  const shares = servingShares(init.shares, init.thread)
  const requests = new CountedShare(shares.requests)
  const reader = placedReader({ folder: init.blocksFolder }, { time: () => performance.now(), hasOthers: () => requests.mine > 1 })
  const calls: PortCalls = new PortCalls(port, {
    calls: {
      start: async () => {
        await running?.start(new AbortController().signal)
        return running?.addresses()
      },
      drain: async () => running?.drain?.(),
      stop: async () => {
        await running?.stop()
        await reader.close()
        reports.flush()
      }
    },
    notes: {
      changed: (gone: readonly number[]) => {
        places.clear()
        void reader.forget(gone)
      },
      rules: (hasRules: boolean) => refusals.changed(hasRules)
    }
  })
  const reports = new Reports({ calls, clock })
  const places = new Places({ size: placesKept }, { calls })
  const refusals = new ThreadRefusals({ calls })
  const dags = deps.dags ?? dagReader({ folder: init.walkFolder }, { random })
  running = threadGateway(init, {
    calls, reports, ipfs: new ThreadBlocks({ calls, places, reader }), reader: dags, refusals, clock, random,
    shares: { ...shares, requests }
  })
}

/** Knows what it has told. */
class CountedShare implements Share {
  readonly #share: Share
  mine = 0

  constructor (share: Share) { this.#share = share }

  tell (mine: number): void {
    this.mine = mine
    this.#share.tell(mine)
  }

  others (): number { return this.#share.others() }
}

interface ThreadDeps extends Pick<GatewayDeps, 'ipfs' | 'reader' | 'clock' | 'random'> {
  calls: PortCalls, reports: Reports, refusals: ThreadRefusals, shares: ServingShares
}

function threadGateway (init: ThreadInit, { calls, reports, ipfs, reader, refusals, shares, clock, random }: ThreadDeps): Gateway {
  const { has } = init
  return gateway({
    ...init.gateway,
    sharing: 'joins',
    logLine: has.lines ? line => reports.line(line) : null,
    ...has.measures
      ? { wrap: measuredRequests('gateway', { seen: ({ method, status, seconds }) => reports.measure([method, status, seconds]), clock }) }
      : {}
  }, {
    ipfs,
    reader,
    names: has.names ? threadNames({ calls }) : undefined,
    refusals,
    pendingImport: has.pendingImport ? threadPendingImports({ calls, clock }) : undefined,
    flow: new BytesInFlight(init.flow, { clock, shares }),
    shares,
    clock,
    random,
    log: threadLogger('gateway', note => reports.log(note))
  })
}

/** So long lines and measures are gathered: a message costs as much as a small answer. Milliseconds. */
const gatherMs = 20

/** What the main thread is told of. */
class Reports {
  readonly #calls: Pick<PortCalls, 'tell'>
  readonly #clock: Clock
  #lines: string[] = []
  #measures: Measure[] = []
  #isPlanned = false

  constructor ({ calls, clock }: { calls: Pick<PortCalls, 'tell'>, clock: Clock }) {
    this.#calls = calls
    this.#clock = clock
  }

  line (line: string): void {
    this.#lines.push(line)
    this.#plan()
  }

  measure (measure: Measure): void {
    this.#measures.push(measure)
    this.#plan()
  }

  log (note: LogNote): void { this.#calls.tell('log', note) }

  flush (): void {
    if (this.#lines.length > 0) this.#calls.tell('lines', this.#lines.join('\n'))
    if (this.#measures.length > 0) this.#calls.tell('measures', this.#measures)
    this.#lines = []
    this.#measures = []
  }

  #plan (): void {
    if (this.#isPlanned) return
    this.#isPlanned = true
    this.#clock.after(gatherMs, () => {
      this.#isPlanned = false
      this.flush()
    })
  }
}

/** Lines for the logger of another thread. Errors go as their text: a copy of one has lost its code. */
function threadLogger (component: string, send: (note: LogNote) => void): Logger {
  const at = (level: LogNote['level']) => (message: string, facts: LogFacts = {}): void => send({
    level,
    component,
    message,
    facts: Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, copied(value)]))
  })
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: name => threadLogger(name, send) }
}

function copied (value: unknown): unknown {
  if (isClusterError(value)) return `${value.code}: ${value.message}`
  if (value instanceof Error) return value.stack ?? value.message
  return typeof value === 'object' || typeof value === 'function' ? String(value) : value
}
