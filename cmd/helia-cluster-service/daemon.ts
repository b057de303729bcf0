import { execFile } from 'node:child_process'
import { ClusterError, isClusterError, isSystemError } from '../../src/base/errors.ts'
import type { Logger } from '../../src/base/log.ts'
import { peerOfMultiaddr } from '../../src/config/multiaddr-text.ts'
import type { ServiceConfig } from '../../src/config/service-config.ts'
import { loadFolder, pathsIn, readConfigText } from '../../src/node/folder/folder.ts'
import type { FolderDeps, LoadedFolder } from '../../src/node/folder/folder.ts'
import { lockFolder } from '../../src/node/folder/lock.ts'
import { createLogger, parseLogLevels } from '../../src/node/logging.ts'
import type { RunningNode, StartNode } from '../../src/node/node-contract.ts'
import { limitGarbage } from './collector.ts'
import { checkForeignState } from './foreign-state.ts'
import { endBySignal } from './end-process.ts'
import { parsePeerAddresses } from './init.ts'
import { fetchText } from './fetch-text.ts'
import { onStopSignals } from './signals.ts'
import { startFailure } from './start-failure.ts'
import { CommandFailed, doing } from './terminal.ts'
import type { Terminal } from './terminal.ts'
import { version } from './version.ts'

/** `daemon`'s, as commander gives them. `stats` and `tracing` turn on what the configuration doesn't. */
export interface DaemonFlags {
  /** Comma-separated multiaddresses. */
  bootstrap?: string
  trust: boolean
  stats?: boolean
  tracing?: boolean
  leave?: boolean
  fresh?: boolean
}

export type DaemonInit = DaemonFlags & {
  folder: string
  /** As `--loglevel`. */
  levels: string
  /** The last word on the settings, once the folder is locked. */
  adjust? (loaded: LoadedFolder): Promise<ServiceConfig>
}

export interface DaemonDeps {
  terminal: Terminal
  fetch: FolderDeps['fetch']
  /** Loads the code of the peer; called late, because it is large. */
  loadNode (): Promise<StartNode>
  /** Calls back at every INT, TERM and HUP; the returned function ends it. */
  onSignal (listener: (name: NodeJS.Signals) => void): () => void
  /** Calls back at every error that nobody caught; the returned function ends it. */
  onFault (listener: (err: unknown) => void): () => void
  /** Ends the process at once, as the signal that was heard ends one. */
  endBySignal (name: NodeJS.Signals): void
  /** Called once when the peer is ready. */
  onReady? (node: RunningNode, config: ServiceConfig): void
}

/**
 * Runs a peer until a signal, and gives the exit code: 0 after an orderly stop, 1 when the peer failed or an error was caught by nobody.
 * Throws CommandFailed when it can't start. The folder is locked meanwhile.
 */
export async function runDaemon (init: DaemonInit, deps: DaemonDeps): Promise<number> {
  const { terminal } = deps
  const levels = await doing('parsing options', () => parseLogLevels(init.levels))
  const bootstrap = await doing('parsing options', () => parsePeerAddresses('--bootstrap', init.bootstrap))
  const lines = new GatheredLines(terminal.err)
  const log = createLogger({
    levels, format: terminal.variables.GOLOG_LOG_FMT === 'json' ? 'json' : 'text', write: line => lines.write(line)
  })
  await doing('loading configurations', async () => readConfigText(pathsIn(init.folder)))
  const lock = await doing('obtaining execution lock', () => lockFolder(init.folder))
  try {
    const loaded = await doing(
      'loading configurations', async () => loadFolder(init.folder, { variables: terminal.variables, fetch: deps.fetch })
    )
    for (const warning of loaded.warnings) log.child('config').warn(warning)
    const config = withFlags(await init.adjust?.(loaded) ?? loaded.config, init, bootstrap)
    await checkCanStart(init, { ...loaded, config })
    return await new Run({ init, config, loaded, bootstrap, log }, deps).end()
  } finally {
    lines.flush()
    lock.release()
  }
}

const writesApartMs = 20

/**
 * The lines of one turn of the event loop in one write, and at most 50 writes a second: a write to a pipe or a terminal blocks the thread
 * and wakes who reads it, and every request has a line.
 */
class GatheredLines {
  readonly #write: (text: string) => void
  #text = ''
  #isIdle = true

  constructor (write: (text: string) => void) { this.#write = write }

  write (line: string): void {
    if (this.#text === '' && this.#isIdle) setImmediate(() => this.#flushAndRest())
    this.#text += line
  }

  #flushAndRest (): void {
    this.#isIdle = this.#text === ''
    this.flush()
    if (!this.#isIdle) setTimeout(() => this.#flushAndRest(), writesApartMs).unref()
  }

  flush (): void {
    const text = this.#text
    this.#text = ''
    if (text !== '') this.#write(text)
  }
}

/** The settings with what the command line adds. */
function withFlags (config: ServiceConfig, init: DaemonInit, bootstrap: string[]): ServiceConfig {
  const trusted = init.trust ? bootstrap.map(peerOfMultiaddr).filter(peer => peer != null) : []
  return {
    ...config,
    cluster: { ...config.cluster, leaveOnShutdown: config.cluster.leaveOnShutdown || init.leave === true },
    crdt: { ...config.crdt, trustedPeers: [...new Set([...config.crdt.trustedPeers, ...trusted])] },
    metrics: { ...config.metrics, enableStats: config.metrics.enableStats || init.stats === true },
    tracing: { ...config.tracing, enableTracing: config.tracing.enableTracing || init.tracing === true }
  }
}

async function checkCanStart ({ folder, fresh }: DaemonInit, loaded: LoadedFolder): Promise<void> {
  if (Object.values(loaded.config.informers).every(informer => informer == null)) {
    throw new CommandFailed(
      'error starting cluster: service.json has no informer: there must be at least one of informer.disk, informer.tags and informer.pinqueue'
    )
  }
  if (fresh !== true) await doing('starting cluster', async () => checkForeignState(folder, loaded))
}

interface RunInit { init: DaemonInit, config: ServiceConfig, loaded: LoadedFolder, bootstrap: string[], log: Logger }

/** One run of a peer: start, wait for the first reason to stop, stop. */
class Run {
  readonly #init: RunInit
  readonly #deps: DaemonDeps
  readonly #log: Logger
  readonly #stop = new AbortController()
  #signals = 0
  #exitCode = 0
  /** Damage on the disk that a new start deals with: the peer is stopped and started again, in this process. */
  #damage: ClusterError | undefined
  #restart = (): void => {}

  constructor (init: RunInit, deps: DaemonDeps) {
    this.#init = init
    this.#deps = deps
    this.#log = init.log.child('cluster')
  }

  async end (): Promise<number> {
    const unlisten = [this.#deps.onSignal(name => this.#onSignal(name)), this.#deps.onFault(err => this.#onFault(err))]
    try {
      do {
        this.#damage = undefined
        const node = await this.#start()
        if (node != null) await this.#untilStopped(node)
      } while (this.#damage != null && !this.#stop.signal.aborted)
      return this.#exitCode
    } finally {
      for (const end of unlisten) end()
    }
  }

  /** Undefined when the peer was told to stop before it was ready. */
  async #start (): Promise<RunningNode | undefined> {
    const { init: { folder }, config, loaded: { identity, ipfsIdentity, fixedNames }, bootstrap, log } = this.#init
    const signal = this.#stop.signal
    try {
      const startNode = await this.#deps.loadNode()
      signal.throwIfAborted()
      return await startNode({
        folder, config, identity, ipfsIdentity, fixedNames, log, bootstrap, version, signal, damaged: damage => this.#onDamage(damage)
      })
    } catch (err) {
      if (signal.aborted) return undefined
      // the machine's own words (a full disk, no permission) are one line; a surprise needs its places
      if (!isClusterError(err) && !isSystemError(err)) this.#log.error('the peer could not start', { err })
      throw new CommandFailed(`error starting cluster: ${startFailure(err, config)}`, { cause: err })
    }
  }

  async #untilStopped (node: RunningNode): Promise<void> {
    const stopped = new Promise<void>(resolve => {
      this.#restart = resolve
      this.#stop.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    if (this.#damage == null && !this.#stop.signal.aborted) {
      this.#log.info('** IPFS Cluster is READY **', node.addresses)
      this.#deps.onReady?.(node, this.#init.config)
      await Promise.race([stopped, node.failed]).catch((err: unknown) => this.#onFault(err))
    }
    await node.stop().catch((err: unknown) => {
      this.#log.error('the peer did not stop cleanly', { err })
      this.#exitCode = 1
    })
  }

  /** The only line about it: the next start tells what it made of what can be read. */
  #onDamage (damage: ClusterError): void {
    if (this.#damage != null || this.#stop.signal.aborted) return this.#log.error(damage.message)
    this.#damage = damage
    this.#log.error(`${damage.message}; the peer is started again`)
    this.#restart()
  }

  #onSignal (name: NodeJS.Signals): void {
    this.#signals++
    if (this.#signals === 1) {
      this.#log.info('stopping', { signal: name })
      this.#stop.abort(new ClusterError('NOT_READY', { signal: name }, { message: `stopped by ${name}` }))
    } else if (this.#signals === 2) {
      this.#deps.terminal.err(
        '\nThe peer is still stopping: what was accepted is being written to the disk.\nOne more signal ends it at once, and may lose what is not written yet.\n\n'
      )
    } else {
      this.#deps.terminal.err('exiting cluster NOW\n')
      this.#deps.endBySignal(name)
    }
  }

  #onFault (err: unknown): void {
    this.#log.error('an error that the peer cannot go on with; stopping', { err })
    this.#exitCode = 1
    this.#stop.abort(err)
  }
}

/** The process's own signals, faults and network. `started`: told of the first start, before V8 is set up for load. */
export function systemDaemonDeps (terminal: Terminal, started: () => void = () => {}): DaemonDeps {
  let isFirst = true
  return {
    terminal,
    fetch: fetchText,
    loadNode: async () => (await import('../../src/node/node.ts')).startNode,
    onSignal: listener => onStopSignals(listener, { events: process, now: () => performance.now() }),
    onFault: onFaults,
    endBySignal,
    onReady: () => {
      if (isFirst) {
        started()
        // not before: what V8 compiled under other settings it compiles anew, Node's own modules too
        limitGarbage()
      }
      isFirst = false
      tellSystemd(terminal)
    }
  }
}

function onFaults (listener: (err: unknown) => void): () => void {
  const events = ['uncaughtException', 'unhandledRejection'] as const
  for (const event of events) process.on(event, listener)
  return () => { for (const event of events) process.off(event, listener) }
}

/** Node can't write to systemd's datagram socket, systemd's own tool can. */
function tellSystemd ({ variables }: Terminal): void {
  if (variables.NOTIFY_SOCKET != null) execFile('systemd-notify', ['--ready', `--pid=${process.pid}`], () => {})
}
