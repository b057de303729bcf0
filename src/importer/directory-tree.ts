import { byteLengthOfText } from '../base/text/byte-text.ts'
import { ClusterError } from '../base/errors.ts'
import type { Block } from '../blockstore/blockstore.ts'
import type { DirectoryEntry } from './directory-node.ts'
import { encodeDirectory, sortedByName } from './directory-node.ts'
import { encodeHamt, entriesPerStep } from './hamt.ts'

/** A directory is sharded when its names and CIDs have more bytes than this. */
const maxPlainBytes = 262144

interface Closing { tree: DirectoryTree, name: string, path: string, names: readonly string[], next: number }

/** A directory that was closed: where it is in the upload, and its root. */
export interface ClosedDirectory { path: string, entry: DirectoryEntry }

/** A directory of an upload: the names in it, and its subdirectories. It can take more after it was closed, and be closed again. */
export class DirectoryTree {
  readonly #fields: Uint8Array | undefined
  readonly #impliedFields: Uint8Array | undefined
  readonly #entries = new Map<string, DirectoryEntry>()
  readonly #directories = new Map<string, DirectoryTree>()
  /** The subdirectories as they are now, while this one is being closed. */
  readonly #made = new Map<string, DirectoryEntry>()

  /** `fields` go to the end of its UnixFS message; `impliedFields` to that of each subdirectory that is made on the way to another. */
  constructor (fields?: Uint8Array, impliedFields?: Uint8Array) {
    this.#fields = fields
    this.#impliedFields = impliedFields
  }

  /** Adds a file or link; a former one of that name is replaced. Throws INVALID_ARGUMENT when the name is a directory's. */
  put (entry: DirectoryEntry): void {
    if (this.#directories.has(entry.name)) throw nameTaken(entry.name)
    this.#entries.set(entry.name, entry)
  }

  /** The subdirectory of that name, new or there already: then it stays as it is. Throws INVALID_ARGUMENT when the name is a file's. */
  directory (name: string, fields = this.#impliedFields): DirectoryTree {
    const known = this.#directories.get(name)
    if (known != null) return known
    if (this.#entries.has(name)) throw nameTaken(name)
    const made = new DirectoryTree(fields, this.#impliedFields)
    this.#directories.set(name, made)
    return made
  }

  /** The subdirectory at a path, whose missing parts are made. */
  descend (names: readonly string[]): DirectoryTree {
    return names.reduce<DirectoryTree>((tree, name) => tree.directory(name), this)
  }

  /**
   * Makes the blocks of all directories, the deepest first, siblings in the order of their names' bytes: one step per block. `closed` gets
   * them in that order, the root last. More steps where there are very many entries.
   */
  * close (path: string, make: (bytes: Uint8Array) => Block, closed: (directory: ClosedDirectory) => void): Generator<void,
  DirectoryEntry> {
    /** The directories that are being closed, each in the one before. */
    const open: Closing[] = [{ tree: this, name: '', path, names: this.#directoryNames(), next: 0 }]
    for (;;) {
      const top = open.at(-1) as Closing
      const name = top.names[top.next++]
      if (name != null) {
        const tree = top.tree.#directories.get(name) as DirectoryTree
        open.push({ tree, name, path: top.path === '' ? name : `${top.path}/${name}`, names: tree.#directoryNames(), next: 0 })
        continue
      }
      open.pop()
      const entry = yield * top.tree.#encode(make)
      closed({ path: top.path, entry })
      const parent = open.at(-1)?.tree
      if (parent == null) return entry
      parent.#made.set(top.name, { ...entry, name: top.name })
    }
  }

  /** What is in it, when that is one directory and nothing else. */
  onlyDirectory (): { name: string, tree: DirectoryTree } | undefined {
    const [only] = this.#directories
    return only == null || this.#directories.size > 1 || this.#entries.size > 0 ? undefined : { name: only[0], tree: only[1] }
  }

  #directoryNames (): string[] { return sortedByName([...this.#directories.keys()].map(name => ({ name }))).map(({ name }) => name) }

  * #encode (make: (bytes: Uint8Array) => Block): Generator<void, DirectoryEntry> {
    const entries = [...this.#entries.values(), ...this.#made.values()]
    this.#made.clear()
    let bytes = 0
    let count = 0
    for (const { name, cid } of entries) {
      bytes += byteLengthOfText(name) + cid.bytes.length
      if (++count % entriesPerStep === 0) yield
    }
    if (bytes > maxPlainBytes) return yield * encodeHamt(entries, make, this.#fields)
    const entry = encodeDirectory(entries, make, this.#fields)
    yield
    return entry
  }
}

const nameTaken = (name: string): ClusterError =>
  new ClusterError('INVALID_ARGUMENT', { name: name.slice(0, 200) }, { message: 'directory already has entry by that name' })
