import type { CID } from 'multiformats/cid'
import { ClusterError } from '../base/errors.ts'
import { yieldToEventLoop } from '../base/event-loop.ts'
import type { Block } from '../blockstore/blockstore.ts'
import type { DagParams, EntryMetadata, UploadEntry } from '../model/add.ts'
import type { BlockBatch } from './block-batch.ts'
import type { BlockMaker } from './block-maker.ts'
import type { Leaf } from './block-workers.ts'
import type { DirectoryEntry } from './directory-node.ts'
import { encodeDirectory, encodeSymlink } from './directory-node.ts'
import type { ClosedDirectory } from './directory-tree.ts'
import { DirectoryTree } from './directory-tree.ts'
import { FileImporter } from './file-importer.ts'
import type { LeafMemory } from './file-node.ts'
import type { ImportOptions, ImportOutput } from './importer.ts'
import { metadataFields } from './metadata.ts'

/** Progress lines come every so many bytes. */
const progressBytes = 262144

const maxScratchFiles = 1000
/** Steps of closing directories until others have a turn: they needn't have blocks that fill a batch. */
const stepsPerTick = 16

export interface UploadSessionInit { params: DagParams, options: ImportOptions }
export interface UploadSessionDeps { batch: BlockBatch, maker: BlockMaker, memory: LeafMemory }

/**
 * A top-level directory ('' when everything is wrapped) and what is in it. `isReopened`: its lines came when another one began; then there
 * was more of it, or an entry for itself. It is made anew at the end of the upload, once however often that happens.
 */
interface TopDirectory { name: string, tree: DirectoryTree, isReopened: boolean }

/** The file that is being read. */
interface OpenFile { path: string, bytes: number, reported: number }

/**
 * One upload: takes its entries one after the other, puts blocks into the batch and collects the lines. Synchronous but for closing
 * directories, which waits for the batch: a small file costs no promise here.
 */
export class UploadSession {
  readonly #params: DagParams
  readonly #options: ImportOptions
  readonly #batch: BlockBatch
  readonly #maker: BlockMaker
  readonly #memory: LeafMemory
  readonly #makeNode = (bytes: Uint8Array): Block => this.#emit(this.#maker.node(bytes))
  readonly #impliedFields: Uint8Array
  #importer: FileImporter | undefined
  /** Until the end of the upload: archives tell of directories in any order. The one that was opened last is the last one. */
  readonly #tops = new Map<string, TopDirectory>()
  #root: TopDirectory | undefined
  /** The last thing at top level that was made. */
  #lastTop: { path: string, cid: CID, dagSize: number } | undefined
  #file: OpenFile | undefined
  /** Where the last entry went: uploads come directory by directory. */
  #last: { path: string, tree: DirectoryTree } | undefined
  /** Go's scratch directory: the files at top level so far, under their CIDs. Undefined until it exists. */
  #scratch: Map<string, DirectoryEntry> | undefined
  #scratchChanged = false
  #outputs: ImportOutput[] = []

  constructor ({ params, options }: UploadSessionInit, { batch, maker, memory }: UploadSessionDeps) {
    this.#params = params
    this.#options = options
    this.#batch = batch
    this.#maker = maker
    this.#memory = memory
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
  isOutside ({ kind, path }: UploadEntry): boolean {
    if (this.#root == null || this.#wraps) return false
    const { name } = this.#root
    if (kind === 'directory' && path === name) return false
    return path.length <= name.length || path[name.length] !== '/' || !path.startsWith(name)
  }

  openFile (path: string, metadata?: EntryMetadata): void {
    this.#importer ??= new FileImporter(this.#params, {
      maker: this.#maker, emit: block => this.#batch.add(block), memory: this.#memory
    })
    this.#importer.begin(metadataFields(metadata, 'file'))
    this.#file = { path, bytes: 0, reported: 0 }
  }

  /** Takes a piece of the open file; call `step` until it says false. `isCounted`: `received` has been told of it. */
  push (piece: Uint8Array, { isCounted = false } = {}): void {
    if (!isCounted) this.received(piece.length)
    this.#importer?.push(piece)
  }

  /** So many bytes more of the open file have come. */
  received (bytes: number): void {
    const file = this.#openedFile()
    file.bytes += bytes
    if (!this.#options.progress) return
    while (file.bytes - file.reported >= progressBytes) this.#report(file, file.reported + progressBytes)
  }

  /** Makes one leaf of the open file, if there is enough for one (`final`: if anything is left). */
  step (final = false): boolean { return this.#importer?.step(final) === true }

  /** Instead of its bytes: a leaf of the open file, made elsewhere. */
  addLeaf (leaf: Leaf): void { this.#importer?.addLeaf(leaf) }

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
      this.#open(path, fields)
      return
    }
    this.#startScratch()
    const slash = path.lastIndexOf('/')
    const tree = this.#treeAt(path.slice(0, Math.max(slash, 0))).directory(path.slice(slash + 1), fields)
    this.#last = { path, tree }
  }

  /** Makes the blocks and lines of the open top-level directory or the wrapper, if there is one and it isn't made at the end. */
  async closeRoot (): Promise<void> {
    const root = this.#root
    this.#root = undefined
    this.#last = undefined
    if (root != null && !root.isReopened) await this.#make(root)
  }

  /** Nothing more comes: makes what is still to be made. The root of what came last is told of last, again if need be. */
  async finish (): Promise<void> {
    const last = this.#root
    await this.closeRoot()
    const late = [...this.#tops.values()].filter(({ isReopened }) => isReopened)
    const before = this.#lastTop
    for (const root of late) await this.#make(root)
    if (late.length === 0 || last?.isReopened === true || before == null) return
    this.#tellRoot(before)
    this.#line(before.path, before)
  }

  async #make (root: TopDirectory): Promise<void> {
    const { name, tree } = this.#options.wrap === 'unless-one-directory' ? root.tree.onlyDirectory() ?? root : root
    const closed: ClosedDirectory[] = []
    const steps = tree.close(name, this.#makeNode, directory => closed.push(directory))
    for (let count = 1; steps.next().done !== true; count++) {
      if (this.#batch.isFull) await this.#batch.flush()
      else if (count % stepsPerTick === 0) await yieldToEventLoop()
    }
    if (this.#options.scratchBlocks === true) await this.#batch.drain()
    for (const { path, entry } of closed) this.#line(path, entry)
    const top = closed.at(-1)
    if (top != null) this.#tellRoot({ path: top.path, cid: top.entry.cid, dagSize: top.entry.dagSize })
  }

  #tellRoot (top: { path: string, cid: CID, dagSize: number }): void {
    this.#lastTop = top
    this.#options.onRoot?.(top.cid, top.path)
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
      this.#tellRoot({ path, cid, dagSize })
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
    const tree = (this.#root ?? this.#open(rootName, this.#impliedFields)).tree.descend(names)
    this.#last = { path, tree }
    return tree
  }

  /** The top-level directory of that name: the one that is open, one that was, or a new one. */
  #open (name: string, fields: Uint8Array): TopDirectory {
    const known = this.#root?.name === name ? this.#root : this.#tops.get(name)
    if (known != null && known !== this.#root) known.isReopened = true
    const root = known ?? { name, tree: new DirectoryTree(fields, this.#impliedFields), isReopened: false }
    this.#tops.delete(name)
    this.#tops.set(name, root)
    this.#last = undefined
    return this.#root = root
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
