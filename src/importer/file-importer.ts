import { ClusterError } from '../base/errors.ts'
import type { Block } from '../blockstore/blockstore.ts'
import type { DagParams } from '../model/add.ts'
import type { BlockMaker } from './block-maker.ts'
import type { Leaf } from './block-workers.ts'
import type { ChunkSource } from './chunk-source.ts'
import { createChunkSource } from './chunk-source.ts'
import { parseChunker } from './chunkers.ts'
import type { FilePart, LeafMemory, LeafType } from './file-node.ts'
import { encodeLeaf, leafTypes, leafWithFields } from './file-node.ts'
import type { Layout } from './layouts.ts'
import { BalancedLayout, TrickleLayout } from './layouts.ts'

export interface FileImporterDeps {
  maker: BlockMaker
  /** Takes each block as it is made. */
  emit: (block: Block) => void
  /** Of leaves that aren't parts of what was pushed. */
  memory: LeafMemory
}

/**
 * Bytes of one file after the other → leaves and nodes. Push a piece, `step` until it says false; then `finish`. Throws INVALID_ARGUMENT
 * with Go's texts for a bad chunker and for `noCopy`.
 */
export class FileImporter {
  readonly #source: ChunkSource
  readonly #layout: Layout
  readonly #emit: (block: Block) => void
  readonly #maker: BlockMaker
  readonly #rawLeaves: boolean
  readonly #leafType: LeafType
  readonly #memory: LeafMemory
  readonly #isTrickle: boolean
  /** For the end of the root's UnixFS message. */
  #fields: Uint8Array | undefined
  /** The first leaf of a file with such fields, while it may be the only one. */
  #held: { bytes: Uint8Array, length: number } | undefined
  #leaves = 0

  constructor (params: DagParams, { maker, emit, memory }: FileImporterDeps) {
    this.#source = createChunkSource(parseChunker(params.chunker))
    if (params.noCopy) {
      throw new ClusterError('INVALID_ARGUMENT', {}, { message: "missing file path or URL, can't create filestore reference" })
    }
    const node = (bytes: Uint8Array): Block => {
      const block = maker.node(bytes)
      emit(block)
      return block
    }
    const trickle = this.#isTrickle = params.layout === 'trickle'
    this.#layout = trickle ? new TrickleLayout(node) : new BalancedLayout(node)
    this.#leafType = trickle ? leafTypes.raw : leafTypes.file
    this.#rawLeaves = params.rawLeaves
    this.#emit = emit
    this.#maker = maker
    this.#memory = memory
  }

  /**
   * Begins a file whose root has these fields at the end of its UnixFS message. Raw leaves have none: INVALID_ARGUMENT with Kubo's text.
   */
  begin (fields: Uint8Array): void {
    this.#fields = fields.length === 0 ? undefined : fields
    this.#leaves = 0
    if (this.#fields != null && this.#rawLeaves) {
      throw new ClusterError('INVALID_ARGUMENT', {}, {
        message: "raw-leaves can't be used with UnixFS metadata like mode or modification time"
      })
    }
  }

  push (piece: Uint8Array): void { this.#source.push(piece) }

  /** Makes one leaf of what was pushed; false: it is not enough for one (`final`: nothing is left). */
  step (final = false): boolean {
    const length = this.#source.next(final)
    if (length === 0) return false
    if (this.#holdsNext) this.#held = { bytes: this.#encoded(length), length }
    else {
      this.#prepare()
      this.#layout.add(this.#leaf(length))
    }
    this.#leaves++
    return true
  }

  /** Takes a leaf that was made elsewhere, of a file of which nothing was pushed. */
  addLeaf ({ block, fileSize }: Leaf): void {
    if (this.#holdsNext) this.#held = { bytes: block.bytes, length: fileSize }
    else {
      this.#prepare()
      this.#layout.add(this.#emitted(block, fileSize))
    }
    this.#leaves++
  }

  get #holdsNext (): boolean { return this.#fields != null && !this.#isTrickle && this.#leaves === 0 }

  #prepare (): void {
    this.#releaseHeld()
    this.#layout.prepare()
  }

  /** The root of the file, after `step(true)` said false. */
  finish (): FilePart {
    const fields = this.#fields
    if (fields == null || this.#isTrickle || this.#leaves > 1) return this.#layout.finish(fields) ?? this.#leaf(0)
    const { bytes, length } = this.#held ?? { bytes: this.#encoded(0), length: 0 }
    this.#held = undefined
    return this.#emitted(this.#maker.node(leafWithFields(bytes, fields)), length)
  }

  /** There is a second leaf: the first one is an ordinary one. */
  #releaseHeld (): void {
    if (this.#held == null) return
    const { bytes, length } = this.#held
    this.#held = undefined
    this.#layout.add(this.#emitted(this.#maker.node(bytes), length))
  }

  #leaf (length: number): FilePart {
    const block = this.#rawLeaves
      ? this.#maker.leaf(this.#rawBytes(length))
      : this.#maker.node(this.#encoded(length))
    return this.#emitted(block, length)
  }

  #encoded (length: number): Uint8Array { return encodeLeaf(this.#source, length, { type: this.#leafType, memory: this.#memory }) }

  #emitted (block: Block, length: number): FilePart {
    this.#emit(block)
    return { cid: block.cid, fileSize: length, dagSize: block.bytes.length }
  }

  #rawBytes (length: number): Uint8Array {
    const shared = this.#source.share()
    if (shared != null) return shared
    const bytes = this.#memory(length)
    if (length > 0) this.#source.copy(bytes, 0)
    return bytes
  }
}
