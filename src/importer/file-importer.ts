import { ClusterError } from '../base/errors.ts'
import type { Block } from '../blockstore/blockstore.ts'
import type { DagParams } from '../model/add.ts'
import type { BlockMaker } from './block-maker.ts'
import type { ChunkSource } from './chunk-source.ts'
import { createChunkSource } from './chunk-source.ts'
import { parseChunker } from './chunkers.ts'
import type { FilePart, LeafType } from './file-node.ts'
import { encodeLeaf, leafTypes } from './file-node.ts'
import type { Layout } from './layouts.ts'
import { BalancedLayout, TrickleLayout } from './layouts.ts'

export interface FileImporterDeps {
  maker: BlockMaker
  /** Takes each block as it is made. */
  emit: (block: Block) => void
}

/**
 * Bytes of one file after the other → leaves and nodes. Push a piece, `step` until it says false; then `finish`. Throws INVALID_ARGUMENT with Go's
 * texts for a bad chunker and for `noCopy`.
 */
export class FileImporter {
  readonly #source: ChunkSource
  readonly #layout: Layout
  readonly #emit: (block: Block) => void
  readonly #maker: BlockMaker
  readonly #rawLeaves: boolean
  readonly #leafType: LeafType

  constructor (params: DagParams, { maker, emit }: FileImporterDeps) {
    this.#source = createChunkSource(parseChunker(params.chunker))
    if (params.noCopy) throw new ClusterError('INVALID_ARGUMENT', {}, { message: "missing file path or URL, can't create filestore reference" })
    const node = (bytes: Uint8Array): Block => {
      const block = maker.node(bytes)
      emit(block)
      return block
    }
    const trickle = params.layout === 'trickle'
    this.#layout = trickle ? new TrickleLayout(node) : new BalancedLayout(node)
    this.#leafType = trickle ? leafTypes.raw : leafTypes.file
    this.#rawLeaves = params.rawLeaves
    this.#emit = emit
    this.#maker = maker
  }

  push (piece: Uint8Array): void { this.#source.push(piece) }

  /** Makes one leaf of what was pushed; false: it is not enough for one (`final`: nothing is left). */
  step (final = false): boolean {
    const length = this.#source.next(final)
    if (length === 0) return false
    this.#layout.add(this.#leaf(length))
    return true
  }

  /** The root of the file, after `step(true)` said false. */
  finish (): FilePart { return this.#layout.finish() ?? this.#leaf(0) }

  #leaf (length: number): FilePart {
    const block = this.#rawLeaves ? this.#maker.leaf(this.#rawBytes(length)) : this.#maker.node(encodeLeaf(this.#source, length, this.#leafType))
    this.#emit(block)
    return { cid: block.cid, fileSize: length, dagSize: block.bytes.length }
  }

  #rawBytes (length: number): Uint8Array {
    const shared = this.#source.share()
    if (shared != null) return shared
    const bytes = Buffer.allocUnsafeSlow(length)
    if (length > 0) this.#source.copy(bytes, 0)
    return bytes
  }
}
