import { setImmediate as othersTurn } from 'node:timers/promises'
import type { CID } from 'multiformats/cid'
import { ClusterError } from '../base/errors.ts'
import type { Block } from '../blockstore/blockstore.ts'
import type { DagParams, EntryMetadata, UploadEntry } from '../model/add.ts'
import type { BlockBatch } from './block-batch.ts'
import type { BlockMaker } from './block-maker.ts'
import type { DirectoryEntry } from './directory-node.ts'
import { encodeDirectory, encodeSymlink } from './directory-node.ts'
import type { ClosedDirectory } from './directory-tree.ts'
import { DirectoryTree } from './directory-tree.ts'
import { FileImporter } from './file-importer.ts'
import type { ImportOptions, ImportOutput } from './importer.ts'
import { metadataFields } from './metadata.ts'

/** Progress lines come every so many bytes. */
const progressBytes = 262144

const maxScratchFiles = 1000
/** Steps of closing directories until others have a turn: they needn't have blocks that fill a batch. */
const stepsPerTurn = 16

export interface UploadSessionInit { params: DagParams, options: ImportOptions }
export interface UploadSessionDeps { batch: BlockBatch, maker: BlockMaker }

/** The top-level directory that is open ('' when everything is wrapped) and what is in it. */
interface OpenRoot { name: string, tree: DirectoryTree }

/** The file that is being read. */
interface OpenFile { path: string, bytes: number, reported: number }

/**
 * One upload: takes its entries one after the other, puts blocks into the batch and collects the lines. Synchronous but for closing directories, which
 * waits for the batch: a small file costs no promise here.
 */
export class UploadSession {
  readonly #params: DagParams
  readonly #options: ImportOptions
  readonly #batch: BlockBatch
  readonly #maker: BlockMaker
  readonly #makeNode = (bytes: Uint8Array): Block => this.#emit(this.#maker.node(bytes))
  readonly #impliedFields: Uint8Array
  #importer: FileImporter | undefined
  #root: OpenRoot | undefined
  #file: OpenFile | undefined
  /** Where the last entry went: uploads come directory by directory. */
  #last: { path: string, tree: DirectoryTree } | undefined
  /** Go's scratch directory: the files at top level so far, under their CIDs. Undefined until it exists. */
  #scratch: Map<string, DirectoryEntry> | undefined
  #scratchChanged = false
  #outputs: ImportOutput[] = []

  constructor ({ params, options }: UploadSessionInit, { batch, maker }: UploadSessionDeps) {
    this.#params = params
    this.#options = options
    this.#batch = batch
    this.#maker = maker
    this.#impliedFields = metadataFields(params.directoryMetadata, 'directory')
  }

  get #wraps (): boolean { return this.#options.wrap !== false }
  get hasOutputs (): boolean { return this.#outputs.length > 0 }

  /** The lines since the last call. */
  takeOutputs (): ImportOutput[] {
    const outputs = this.#outputs
    this.#outputs = []
    return outputs
  }

  /** Whether an entry ends the open top-level directory. */
  isOutside ({ path }: UploadEntry): boolean {
    if (this.#root == null || this.#wraps) return false
    const { name } = this.#root
    return path.length <= name.length || path[name.length] !== '/' || !path.startsWith(name)
  }

  openFile (path: string, metadata?: EntryMetadata): void {
    this.#importer ??= new FileImporter(this.#params, { maker: this.#maker, emit: block => this.#batch.add(block) })
    this.#importer.begin(metadataFields(metadata, 'file'))
    this.#file = { path, bytes: 0, reported: 0 }
  }

  /** Takes a piece of the open file; call `step` until it says false. */
  push (piece: Uint8Array): void {
    this.#importer?.push(piece)
    const file = this.#openedFile()
    file.bytes += piece.length
    if (!this.#options.progress) return
    while (file.bytes - file.reported >= progressBytes) this.#report(file, file.reported + progressBytes)
  }

  /** Makes one leaf of the open file, if there is enough for one (`final`: if anything is left). */
  step (final = false): boolean { return this.#importer?.step(final) === true }

  closeFile (): void {
    const file = this.#openedFile()
    this.#file = undefined
    if (this.#options.progress) this.#report(file, file.bytes)
    const root = this.#importer?.finish()
    if (root != null) this.#added(file.path, root)
  }

  addSymlink (path: string, { target, metadata }: { target: string, metadata?: EntryMetadata | undefined }): void {
    const { cid, bytes } = this.#makeNode(encodeSymlink(target, metadataFields(metadata, 'symlink')))
    this.#added(path, { cid, dagSize: bytes.length })
  }

  addDirectory (path: string, metadata?: EntryMetadata): void {
    if (path === '') return
    const fields = metadataFields(metadata, 'directory')
    if (!this.#wraps && !path.includes('/')) {
      this.#root = { name: path, tree: new DirectoryTree(fields, this.#impliedFields) }
      this.#last = undefined
      return
    }
    this.#startScratch()
    const slash = path.lastIndexOf('/')
    const tree = this.#treeAt(path.slice(0, Math.max(slash, 0))).directory(path.slice(slash + 1), fields)
    this.#last = { path, tree }
  }

  /** Makes the blocks and lines of the open top-level directory or the wrapper, if there is one. */
  async closeRoot (): Promise<void> {
    const root = this.#root
    if (root == null) return
    this.#root = undefined
    this.#last = undefined
    const { name, tree } = this.#options.wrap === 'unless-one-directory' ? root.tree.onlyDirectory() ?? root : root
    const closed: ClosedDirectory[] = []
    const steps = tree.close(name, this.#makeNode, directory => closed.push(directory))
    for (let count = 1; steps.next().done !== true; count++) {
      if (this.#batch.isFull) await this.#batch.flush()
      else if (count % stepsPerTurn === 0) await othersTurn()
    }
    if (this.#options.scratchBlocks === true) await this.#batch.drain()
    for (const { path, entry } of closed) this.#line(path, entry)
    const top = closed.at(-1)
    if (top != null) this.#options.onRoot?.(top.entry.cid, top.path)
  }

  /** For sharded adds: the directory that Go makes around each file at top level, after its line. */
  addScratchRoot (): void {
    if (!this.#scratchChanged || this.#scratch == null) return
    this.#scratchChanged = false
    encodeDirectory([...this.#scratch.values()], this.#makeNode)
  }

  #added (path: string, { cid, dagSize }: { cid: CID, dagSize: number }): void {
    this.#startScratch()
    const slash = path.lastIndexOf('/')
    if (!this.#wraps && slash < 0) {
      this.#options.onRoot?.(cid, path)
      this.#addToScratch({ name: cid.toString(), cid, dagSize })
    } else {
      const name = path === '' ? cid.toString() : path.slice(slash + 1)
      this.#treeAt(path.slice(0, Math.max(slash, 0))).put({ name, cid, dagSize })
    }
    this.#line(path, { cid, dagSize })
  }

  /** The open directory at a path of the upload; opens the root and what is missing. */
  #treeAt (path: string): DirectoryTree {
    if (this.#last?.path === path) return this.#last.tree
    const names = path === '' ? [] : path.split('/')
    const rootName = this.#wraps ? '' : names.shift() ?? ''
    this.#root ??= { name: rootName, tree: new DirectoryTree(this.#impliedFields, this.#impliedFields) }
    const tree = this.#root.tree.descend(names)
    this.#last = { path, tree }
    return tree
  }

  #startScratch (): void {
    if (this.#options.scratchBlocks !== true || this.#scratch != null) return
    this.#scratch = new Map()
    encodeDirectory([], this.#makeNode)
  }

  #addToScratch (entry: DirectoryEntry): void {
    // Nobody reads these blocks: after so many files it isn't worth the growing directory.
    if (this.#scratch == null || this.#scratch.has(entry.name) || this.#scratch.size >= maxScratchFiles) return
    this.#scratch.set(entry.name, entry)
    this.#scratchChanged = true
  }

  #report (file: OpenFile, bytes: number): void {
    file.reported = bytes
    const name = this.#wraps ? file.path : file.path.slice(file.path.indexOf('/') + 1 || file.path.length)
    this.#outputs.push({ name, cid: null, bytes, size: 0 })
  }

  #line (name: string, { cid, dagSize }: { cid: CID, dagSize: number }): void {
    this.#outputs.push({ name, cid, bytes: 0, size: dagSize })
  }

  #emit (block: Block): Block {
    this.#batch.add(block)
    return block
  }

  #openedFile (): OpenFile {
    if (this.#file == null) throw new ClusterError('INTERNAL', {}, { message: 'no file is open' })
    return this.#file
  }
}
