import { ClusterError } from '../../src/base/errors.ts'
import type { Logger } from '../../src/base/log.ts'
import { normalPeerId } from '../../src/config/peer-id-text.ts'
import { fileReserve } from '../../src/node/folder/disk-reserve.ts'
import { loadFolder, pathsIn, readConfigText, statePath } from '../../src/node/folder/folder.ts'
import type { FolderDeps, LoadedFolder } from '../../src/node/folder/folder.ts'
import { lockFolder } from '../../src/node/folder/lock.ts'
import { createLogger, parseLogLevels } from '../../src/node/logging.ts'
import { importState } from '../../src/state/import-state.ts'
import { checkRules } from '../../src/state/imported-pin.ts'
import type { ImportRules } from '../../src/state/imported-pin.ts'
import { damageText } from '../../src/state/stopped-state.ts'
import { openState } from '../../src/state/stopped-state.ts'
import type { StoppedState } from '../../src/state/stopped-state.ts'
import { checkForeignState } from './foreign-state.ts'
import { readInput, writeOutput } from './state-files.ts'
import { confirmed, doing } from './terminal.ts'
import type { Terminal } from './terminal.ts'

export interface StateInit {
  folder: string
  /** As `--loglevel`. */
  levels: string
}

export interface StateDeps {
  terminal: Terminal
  fetch: FolderDeps['fetch']
  /** What is read when no file is named. */
  input: AsyncIterable<Uint8Array>
  /** What is written to when no file is named; resolves when there is room for more. */
  output (bytes: Uint8Array): Promise<void>
}

/** The flags of `state export`. Absent: standard output. */
export interface OutputFlags { file?: string }
/** The flags of `state cleanup`. Without `force` a question is asked. */
export interface ForceFlags { force: boolean }

/** The flags of `state import`; numbers are still texts. */
export interface ImportFlags extends ForceFlags {
  file?: string
  replicationMin?: string
  replicationMax?: string
  /** Comma-separated peer IDs. */
  allocations?: string
}

/** Writes the pinset as JSON lines. A file is there completely or not at all. */
export async function runExport (init: StateInit & OutputFlags, deps: StateDeps): Promise<void> {
  await withState(init, deps, async state => {
    await doing('exporting state', async () => writeOutput(init.file, state.lines(), deps.output))
    deps.terminal.err('state successfully exported\n')
  })
}

/** Replaces the pinset by an exported one, after asking. */
export async function runImport (init: StateInit & ImportFlags, deps: StateDeps): Promise<void> {
  const flags = await doing('parsing options', () => checkedFlags(init))
  await withFolder(init, deps, async (loaded, log) => {
    const { config, identity } = loaded
    const { replicationFactorMin: min, replicationFactorMax: max } = config.cluster
    const rules: ImportRules = { factors: { min, max }, self: identity.id, ...flags }
    if (!init.force && !await confirmed('The pinset (state) of this peer will be replaced. Continue? [y/n]: ', deps.terminal)) return
    const file = await doing('reading import file', async () => init.file == null ? null : readInput(init.file))
    const count = await doing(
      'importing state',
      async () => importState(
        { state: statePath(init.folder, config), rules, clusterName: config.crdt.clusterName, secret: config.cluster.secret?.reveal() },
        file ?? deps.input, { log }
      )
      // an import that fails doesn't read to the end
    ).finally(() => file?.destroy())
    deps.terminal.err(`state successfully imported: ${count} ${count === 1 ? 'pin' : 'pins'}. Make sure all peers have consistent states\n`)
  })
}

/** Removes the pinset and its history, after asking. */
export async function runCleanup (init: StateInit & ForceFlags, deps: StateDeps): Promise<void> {
  await withState(init, deps, async state => {
    if (!init.force && !await confirmed('The peer state will be removed. Existing pins may be lost. Continue? [y/n]: ', deps.terminal)) {
      return
    }
    await doing('cleaning up the state', async () => state.clean())
    deps.terminal.err('data correctly cleaned up\n')
  })
}

/** `state crdt info`. */
export async function runCrdtInfo (init: StateInit, deps: StateDeps): Promise<void> {
  await withState(init, deps, async state => {
    const { heads, height, dirty, damage } = await doing('reading the state', async () => state.info())
    // without a newline at the end, as Go
    deps.terminal.out(
      `Number of heads: ${heads.length}. Current max-height: ${height}. Dirty: ${dirty}\nHeads: [${heads.map(String).join(' ')}]`
    )
    if (damage != null) deps.terminal.out(`\nDamaged at ${damage.at}, files kept in ${damage.keptAt}: ${damageText(damage)}.`)
  })
}

/** Writes the DAG for Graphviz. */
export async function runCrdtDot (init: StateInit & OutputFlags, deps: StateDeps): Promise<void> {
  await withState(init, deps, async state => {
    await doing('writing the DAG', async () => writeOutput(init.file, bytesOf(state.dot()), deps.output))
  })
}

/** Asks for a full check at the next start, or takes that back. */
export async function runCrdtMark (init: StateInit & { dirty: boolean }, deps: StateDeps): Promise<void> {
  await withState(init, deps, async state => {
    await doing('marking the state', async () => state.mark(init.dirty))
    deps.terminal.out(`Datastore marked '${init.dirty ? 'dirty' : 'clean'}'\n`)
  })
}

/** Runs a step on a folder that is locked, with its configuration. */
async function withFolder (
  init: StateInit, { terminal, fetch }: StateDeps, step: (loaded: LoadedFolder, log: Logger) => Promise<void>
): Promise<void> {
  const levels = await doing('parsing options', () => parseLogLevels(init.levels))
  const log = createLogger({ levels, format: terminal.variables.GOLOG_LOG_FMT === 'json' ? 'json' : 'text', write: terminal.err })
  await doing('loading configurations', async () => readConfigText(pathsIn(init.folder)))
  const lock = await doing('obtaining execution lock', () => lockFolder(init.folder))
  process.once('exit', lock.release) // a closed pipe ends the process at once
  try {
    // opening databases needs room; the daemon takes the reserve again
    await fileReserve({ folder: init.folder }, { log }).start()
    await step(await doing('loading configurations', async () => loadFolder(init.folder, { variables: terminal.variables, fetch })), log)
  } finally {
    process.off('exit', lock.release)
    lock.release()
  }
}

async function withState (init: StateInit, deps: StateDeps, step: (state: StoppedState) => Promise<void>): Promise<void> {
  await withFolder(init, deps, async (loaded, log) => {
    await doing('opening the state', async () => checkForeignState(init.folder, loaded))
    const state = await doing(
      'opening the state', async () => openState(statePath(init.folder, loaded.config), { log: log.child('datastore') })
    )
    try {
      await step(state)
    } finally {
      await state.close()
    }
  })
}

type Overrides = Pick<ImportRules, 'min' | 'max' | 'allocations'>

function checkedFlags (flags: ImportFlags): Overrides {
  if (flags.file == null && !flags.force) {
    throw new ClusterError('INVALID_ARGUMENT', {}, {
      message: 'no file is named: to read the pins from standard input, where the confirmation would be read too, give --force'
    })
  }
  return overridesOf(flags)
}

/** As in Go a factor of 0 says nothing. */
function overridesOf ({ replicationMin, replicationMax, allocations }: ImportFlags): Overrides {
  const [min, max] = [replicationMin, replicationMax].map(text => Number(text ?? 0))
  const peers = (allocations ?? '').split(',').map(one => one.trim()).filter(one => one !== '')
  const overrides: Overrides = {
    ...(min === 0 || min == null ? {} : { min }),
    ...(max === 0 || max == null ? {} : { max }),
    ...(peers.length === 0 ? {} : { allocations: peers.map(peerOf) })
  }
  checkRules({ factors: { min: -1, max: -1 }, self: '', ...overrides })
  return overrides
}

function peerOf (text: string): string {
  const peer = normalPeerId(text)
  if (peer == null) {
    throw new ClusterError('INVALID_ARGUMENT', {}, {
      message: `--allocations has ${JSON.stringify(text)}: must be a comma-separated list of peer IDs`
    })
  }
  return peer
}

async function * bytesOf (texts: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const text of texts) yield Buffer.from(text)
}

/** The process's own streams and network. */
export function systemStateDeps (terminal: Terminal, fetch: FolderDeps['fetch']): StateDeps {
  return {
    terminal,
    fetch,
    input: process.stdin,
    // a failure ends the process: see the terminal
    output: async bytes => new Promise<void>(resolve => process.stdout.write(bytes, err => { if (err == null) resolve() }))
  }
}
