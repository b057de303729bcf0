import type { Block } from '../../src/blockstore/blockstore.ts'
import { carImporter } from '../../src/importer/car-importer.ts'
import type { BlockSink, ImportOptions, ImportOutput } from '../../src/importer/importer.ts'
import { unixfsImporter } from '../../src/importer/unixfs-importer.ts'
import type { UploadEntry } from '../../src/model/add.ts'
import { dagParams } from './add-vectors.ts'

/** Files and directories become blocks, without threads. */
export const importEntries = unixfsImporter()
/** A CAR's blocks, checked without threads. */
export const importCar = carImporter({}, undefined)

/** A sink that keeps all blocks, and the sizes of its batches. */
export class KeepingSink implements BlockSink {
  readonly blocks: Block[] = []
  readonly batches: number[] = []

  write (blocks: readonly Block[]): void {
    this.blocks.push(...blocks)
    this.batches.push(blocks.length)
  }

  get cids (): string[] { return this.blocks.map(({ cid }) => String(cid)) }
}

export interface ImportRun { query?: Record<string, string>, sink?: BlockSink, options?: Partial<ImportOptions> }

/** Imports entries with the options of a query; all lines. */
export async function importAll (
  entries: Iterable<UploadEntry> | AsyncIterable<UploadEntry>, { query = {}, sink = { write: () => {} }, options = {} }: ImportRun = {}
): Promise<ImportOutput[]> {
  return await Array.fromAsync(importEntries(eachOf(entries), dagParams(query), sink, { wrap: false, progress: false, ...options }))
}

export async function * eachOf<T> (items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> { yield * items }

/** Lines as "name cid size" or "name bytes". */
export const showOutput = ({ name, cid, bytes, size }: ImportOutput): string =>
  cid == null ? `${name} +${bytes}` : `${name} ${String(cid)} ${size}`
