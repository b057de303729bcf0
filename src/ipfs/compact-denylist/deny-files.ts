import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { CID } from 'multiformats/cid'
import { rateLimitedLogger } from '../../base/rate-limited-logger.ts'
import type { Clock } from '../../base/clock.ts'
import { latin1 } from '../../base/text/latin1.ts'
import { ClusterError, messageOf } from '../../base/errors.ts'
import { whenMissing } from '../../base/files.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/log.ts'
import type { Worker } from '../../base/worker.ts'
import { tryParseCid } from '../../model/cid.ts'
import type { Denial, Denylist } from '../denylist.ts'
import { readList } from './list-file.ts'
import { placeOfCid, placeOfName } from './place.ts'
import type { Place } from './place.ts'
import { harmless, trimSlashes } from './rule-line.ts'
import type { Rules, Verdict } from './rules.ts'

export interface DenyFilesInit {
  /** Files, and folders whose `*.deny` files count. Absolute paths. One that isn't `required` may be missing. */
  sources: ReadonlyArray<{ path: string, required: boolean }>
}

/** Between two looks at the files. */
const lookMs = 2000

export interface DenyFilesDeps { clock: Pick<Clock, 'elapsed'>, log: Logger }

/** For observers. `fault`: why the file as it is now isn't used; "" when it is. */
export interface ListState { name: string, rules: number, hits: number, fault: string }

/** Denylists in the compact format (IPIP-383), read again when they change. */
export interface DenyFiles extends Denylist, Startable {
  /** Looks at the files; for the owner to run. */
  readonly upkeep: Worker
  lists (): ListState[]
}

interface ListFile {
  path: string, name: string, isRequired: boolean, taken: string, seen: string, missing: number, fault: string, rules: Rules | undefined
}

/** What is asked for again and again: answers that are remembered. */
const remembered = 8192
const longestRemembered = 512

/**
 * The rules of several files (docs/operations/denylists.md). `start` reads them and rejects with INVALID_CONFIG when one can't be used.
 * From then on each is read anew once it has changed and rested for one look; rules change from one moment to the next, all of a file at
 * once. A file that can't be used any more, or is gone, leaves its last good rules in force. The last list that has a word on something
 * decides.
 */
export function denyFiles (init: DenyFilesInit, deps: DenyFilesDeps): DenyFiles { return new FileDenylist(init, deps) }

class FileDenylist implements DenyFiles {
  readonly name = 'denylist'
  readonly upkeep: Worker
  readonly #init: DenyFilesInit
  readonly #log: Logger
  readonly #rateLimited: Logger
  readonly #files = new Map<string, ListFile>()
  readonly #hits = new Map<string, number>()
  readonly #known = new Map<string, Denial | null>()
  readonly #listeners: Array<() => void> = []
  /** In order; later ones are asked first. */
  #lists: ReadonlyArray<{ name: string, rules: Rules }> = []
  #count = 0
  /** As configured; alphabetical within a folder. */
  #order: string[] = []

  constructor (init: DenyFilesInit, { clock, log }: DenyFilesDeps) {
    this.#init = init
    this.#log = log
    this.#rateLimited = rateLimitedLogger({ log, clock })
    this.upkeep = {
      name: this.name, intervalMs: () => lookMs, jitter: 0.1, runAtStart: false,
      work: async signal => this.#look(signal)
    }
  }

  async start (signal: AbortSignal): Promise<void> {
    const paths = await this.#paths()
    this.#order = paths.map(({ path }) => path)
    for (const { path, isRequired } of paths) {
      const file = this.#file(path, isRequired)
      file.seen = await signatureOf(path)
      if (file.seen !== '') await this.#read(file, signal)
      else if (isRequired) file.fault = 'it is not there'
      if (file.fault !== '') {
        throw new ClusterError('INVALID_CONFIG', { path }, {
          message: `the denylist ${path} can't be used: ${file.fault}. Correct it, or take it out of cluster.denylists`
        })
      }
    }
    this.#swap()
  }

  async stop (): Promise<void> {}

  count (): number { return this.#count }
  onChange (changed: () => void): void { this.#listeners.push(changed) }

  lists (): ListState[] {
    return Array.from(
      this.#files.values(), ({ name, rules, fault }) => ({ name, rules: rules?.count ?? 0, hits: this.#hits.get(name) ?? 0, fault })
    )
  }

  refused ({ list, rule }: Denial): void {
    this.#hits.set(list, (this.#hits.get(list) ?? 0) + 1)
    this.#rateLimited.warn('denied content was asked for and refused', { rule })
  }

  checkCid (cid: CID): Denial | undefined {
    if (this.#count === 0) return undefined
    const key = `c${cid.code}/${cid.multihash.bytes.length > longestRemembered ? '' : latin1(cid.multihash.bytes)}`
    return this.#remembering(key, () => this.#denialOfCid(cid))
  }

  checkPath (path: string): Denial | undefined {
    return this.#count === 0 ? undefined : this.#remembering(`p${path}`, () => this.#denialOfPath(path))
  }

  #remembering (key: string, find: () => Denial | undefined): Denial | undefined {
    const known = this.#known.get(key)
    if (known !== undefined) return known ?? undefined
    const found = find()
    if (key.length > longestRemembered || key.endsWith('/')) return found
    if (this.#known.size >= remembered) this.#known.clear()
    this.#known.set(key, found ?? null)
    return found
  }

  #denialOfCid (cid: CID, place = placeOfCid(cid)): Denial | undefined {
    return harmless.has(place.id) ? undefined : this.#decided(rules => rules.on(place, ''))
  }

  #denialOfPath (given: string): Denial | undefined {
    const segments = given.split('/').filter(segment => segment !== '')
    const namespace = given.startsWith('/') ? segments.shift() : 'ipfs'
    const [root = '', ...names] = segments
    const path = trimSlashes(names.join('/'))
    if (namespace === 'ipns') return this.#denialOfName(placeOfName(root), path)
    const cid = namespace === 'ipfs' || namespace === 'ipld' ? tryParseCid(root) : undefined
    if (cid == null) return undefined
    const place = placeOfCid(cid)
    const byPath = path === '' ? undefined : this.#decided(rules => rules.onSubpath(path) ?? rules.on(place, path))
    return byPath ?? this.#denialOfCid(cid, place)
  }

  /** What lies behind a denied name is denied, too, unless a rule allows it. */
  #denialOfName (place: Place, path: string): Denial | undefined {
    return this.#decided(rules => rules.onSubpath(path) ?? rules.on(place, path) ?? (path === '' ? undefined : rules.on(place, '')))
  }

  /** The last list that has a word on it. */
  #decided (verdictOf: (rules: Rules) => Verdict | undefined): Denial | undefined {
    for (let at = this.#lists.length - 1; at >= 0; at--) {
      const list = this.#lists[at]
      const verdict = list == null ? undefined : verdictOf(list.rules)
      if (list == null || verdict == null) continue
      return verdict.allows
        ? undefined
        : { reason: verdict.isLegal ? 'legal' : 'policy', list: list.name, rule: `${list.name}:${verdict.line}` }
    }
    return undefined
  }

  async #look (signal: AbortSignal): Promise<'idle'> {
    const paths = await this.#paths()
    let isNew = this.#dropGone(new Set(paths.map(({ path }) => path)))
    for (const { path, isRequired } of paths) isNew = await this.#lookAt(this.#file(path, isRequired), signal) || isNew
    if (!isNew) return 'idle'
    this.#order = paths.map(({ path }) => path)
    this.#swap()
    return 'idle'
  }

  /** True when there are new rules. What is being written is left alone until it rests. */
  async #lookAt (file: ListFile, signal: AbortSignal): Promise<boolean> {
    const signature = await signatureOf(file.path)
    if (signature === '') {
      this.#failed(file, 'it is not there')
      return false
    }
    const rests = signature === file.seen
    file.seen = signature
    file.missing = 0
    return rests && signature !== file.taken ? this.#read(file, signal) : false
  }

  async #read (file: ListFile, signal: AbortSignal): Promise<boolean> {
    try {
      const { rules, faults } = await readList(file.path, { signal })
      file.rules = rules
      file.fault = ''
      this.#log.info('a denylist is in force', { list: file.path, rules: rules.count })
      if (faults.count > 0) {
        this.#log.warn(
          'lines of a denylist can not be read: they deny nothing',
          { list: file.path, lines: faults.count, first: faults.first.map(({ line, reason }) => `${line}: ${reason}`) }
        )
      }
      return true
    } catch (err) {
      signal.throwIfAborted()
      this.#failed(file, messageOf(err))
      return false
    } finally {
      file.taken = file.seen
    }
  }

  #failed (file: ListFile, fault: string): void {
    if (file.fault === fault) return
    file.fault = fault
    // one that comes back is read again
    file.taken = ''
    this.#log.error(
      'a denylist can not be used: its last good rules stay in force', { list: file.path, fault, rules: file.rules?.count ?? 0 }
    )
  }

  /** Of a folder: gone at two looks in a row. Editors take a file away and put it back. */
  #dropGone (present: ReadonlySet<string>): boolean {
    let dropped = false
    for (const [path, file] of this.#files) {
      if (file.isRequired || present.has(path) || ++file.missing < 2) continue
      this.#files.delete(path)
      this.#log.info('a denylist is gone, and its rules with it', { list: path, rules: file.rules?.count ?? 0 })
      dropped = true
    }
    return dropped
  }

  #swap (): void {
    this.#lists = this.#order.flatMap(path => {
      const { name, rules } = this.#files.get(path) ?? {}
      return name == null || rules == null ? [] : [{ name, rules }]
    })
    this.#count = this.#lists.reduce((sum, { rules }) => sum + rules.count, 0)
    this.#known.clear()
    for (const changed of this.#listeners) changed()
  }

  #file (path: string, isRequired: boolean): ListFile {
    const known = this.#files.get(path)
    if (known != null) return known
    const file: ListFile = { path, name: basename(path), isRequired, taken: '', seen: '', missing: 0, fault: '', rules: undefined }
    this.#files.set(path, file)
    return file
  }

  async #paths (): Promise<Array<{ path: string, isRequired: boolean }>> {
    const found = await Promise.all(this.#init.sources.map(async ({ path, required }) => {
      const names = await namesIn(path)
      if (names != null) return names.map(name => ({ path: join(path, name), isRequired: false }))
      const isFile = required && !this.#isFolder(path)
      return isFile ? [{ path, isRequired: true }] : required ? this.#filesOf(path).map(known => ({ path: known, isRequired: false })) : []
    }))
    return found.flat()
  }

  /** A folder that had lists is a folder, also when it is gone: an unmounted disk allows nothing. */
  #isFolder (path: string): boolean { return this.#filesOf(path).length > 0 }
  #filesOf (folder: string): string[] { return [...this.#files.keys()].filter(path => dirname(path) === folder) }
}

/** Undefined: there is no such folder. */
async function namesIn (path: string): Promise<string[] | undefined> {
  try {
    return (await readdir(path)).filter(name => name.endsWith('.deny') && !name.startsWith('.')).toSorted()
  } catch (err) {
    if (['ENOTDIR', 'ENOENT'].includes((err as NodeJS.ErrnoException).code ?? '')) return undefined
    throw err
  }
}

/** Differs after every change; "" when there is no such file. */
async function signatureOf (path: string): Promise<string> {
  const { mtimeMs, ctimeMs, size, ino } = await stat(path).catch(whenMissing({ mtimeMs: 0, ctimeMs: 0, size: 0, ino: 0 }))
  return ino === 0 ? '' : `${mtimeMs}/${ctimeMs}/${size}/${ino}`
}
