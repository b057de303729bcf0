import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ClusterError } from '../base/errors.ts'
import { isThere, syncPath } from '../base/files.ts'
import { systemClock } from '../base/system.ts'
import type { Logger } from '../base/log.ts'
import { CrdtStore } from '../consensus/crdt/crdt-store.ts'
import { cleanCrdt, crdtInfo, markClean, markDirty } from '../consensus/crdt/maintenance.ts'
import type { CrdtInfo } from '../consensus/crdt/maintenance.ts'
import { isProvenRow } from '../consensus/crdt/repair.ts'
import { pinState } from '../consensus/crdt/pin-state.ts'
import type { Datastore } from '../datastore/datastore.ts'
import { levelDatastore } from '../datastore/level/level-datastore.ts'
import { kernelLock } from '../base/kernel-lock.ts'
export { damageText } from '../consensus/crdt/rebuild.ts'
import { crdtDot } from './crdt-dot.ts'

const MiB = 1024 * 1024

/**
 * Folders inside a peer's state. An import builds `next`, then makes it the pinset by two renames; `previous` exists only between them and
 * its removal.
 */
const foldersIn = (state: string) => ({
  pinset: join(state, 'pinset'), next: join(state, 'pinset-import'), previous: join(state, 'pinset-replaced')
})

/**
 * The index of the pinning service, which is made anew when it isn't there. Whoever exchanges the pinset removes it first: a running peer
 * trusts an index with as many entries as there are pins.
 */
export const pinIndexFile = (state: string): string => join(state, 'pins.sqlite')

async function removePinIndex (state: string): Promise<void> {
  for (const ending of ['', '-wal', '-shm', '-journal', '.sealed']) await rm(pinIndexFile(state) + ending, { force: true })
}

/** The pinset of a peer that doesn't run. */
export interface StoppedState {
  /** The pins as Go's `state export` writes them: one line of JSON per pin, in the order of the keys, in chunks. */
  lines (): AsyncIterable<Uint8Array>
  info (): Promise<CrdtInfo>
  /** The DAG of the CRDT for Graphviz. */
  dot (): AsyncIterable<string>
  /** Removes the pinset and its history. */
  clean (): Promise<void>
  /** Asks for a full check at the next start, or takes that back. */
  mark (dirty: boolean): Promise<void>
  close (): Promise<void>
}

/**
 * Opens the pinset in a peer's state folder, which must be locked by the caller; one that isn't there is made empty. Finishes what an
 * import or a removal that was cut off left. Throws UNSUPPORTED for a newer layout, INVALID_DATA for damaged files.
 */
export async function openState (state: string, deps: { log: Logger }): Promise<StoppedState> {
  await finishImport(state)
  const datastore = await openPinset(foldersIn(state).pinset, deps)
  return {
    lines: () => pinState(datastore).jsonLines(),
    info: async () => crdtInfo(datastore),
    dot: () => crdtDot(datastore),
    clean: async () => {
      await removePinIndex(state)
      await cleanCrdt(datastore)
    },
    mark: async dirty => dirty ? markDirty(datastore) : markClean(datastore),
    close: async () => datastore.stop()
  }
}

async function openPinset (folder: string, { log }: { log: Logger }): Promise<Datastore> {
  await mkdir(folder, { recursive: true })
  const datastore = levelDatastore(
    { folder, writeBufferBytes: 16 * MiB, cacheBytes: 8 * MiB }, { log, clock: systemClock, proven: isProvenRow }
  )
  await datastore.start(new AbortController().signal)
  try {
    await new CrdtStore({ datastore, log }).load()
  } catch (err) {
    await datastore.stop()
    throw err
  }
  return datastore
}

/**
 * Replaces the pinset by what `fill` writes into an empty one. When `fill` throws nothing is changed; a crash leaves the old pinset or the
 * new one.
 */
export async function replaceState<Result> (
  state: string, deps: { log: Logger }, fill: (datastore: Datastore) => Promise<Result>
): Promise<Result> {
  const { pinset, next, previous } = foldersIn(state)
  await checkUnused(pinset)
  await finishImport(state)
  try {
    const datastore = await openPinset(next, deps)
    const result = await fill(withoutSync(datastore)).finally(async () => datastore.stop())
    await syncFiles(next)
    await checkUnused(pinset)
    await removePinIndex(state)
    if (await isThere(pinset)) await renameSynced(pinset, previous)
    await renameSynced(next, pinset)
    await rm(previous, { recursive: true, force: true })
    return result
  } catch (err) {
    await finishImport(state)
    throw err
  }
}

/** Renaming a folder that LevelDB has open would succeed, and take its pins away from a peer whose lock file somebody removed. */
async function checkUnused (pinset: string): Promise<void> {
  const path = join(pinset, 'LOCK')
  if (!await isThere(path)) return
  const lock = kernelLock(path)
  if (lock == null) throw new ClusterError('LOCKED', { folder: pinset }, { message: `another process uses ${pinset}: stop it first` })
  lock.close()
}

/**
 * Goes on with an import that was cut off after its last pin, and throws away one that was cut off before. To be called before the pinset
 * is opened.
 */
export async function finishImport (state: string): Promise<void> {
  const { pinset, next, previous } = foldersIn(state)
  if (!await isThere(pinset) && await isThere(previous)) await renameSynced(await isThere(next) ? next : previous, pinset)
  await rm(next, { recursive: true, force: true })
  await rm(previous, { recursive: true, force: true })
}

/** Nobody relies on the new pinset before it is complete, so one sync at the end is enough. */
const withoutSync = (datastore: Datastore): Datastore => ({
  name: datastore.name,
  start: async signal => datastore.start(signal),
  stop: async () => datastore.stop(),
  get: key => datastore.get(key),
  has: key => datastore.has(key),
  getMany: async keys => datastore.getMany(keys),
  write: async batch => datastore.write(batch),
  entries: (range, options) => datastore.entries(range, options),
  texts: (range, options) => datastore.texts(range, options),
  keys: (range, options) => datastore.keys(range, options),
  values: (range, options) => datastore.values(range, options)
})

async function syncFiles (folder: string): Promise<void> {
  for (const name of await readdir(folder)) await syncPath(join(folder, name))
  await syncPath(folder)
}

async function renameSynced (from: string, to: string): Promise<void> {
  await rename(from, to)
  await syncPath(dirname(to))
}
