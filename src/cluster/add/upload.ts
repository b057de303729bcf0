import { ClusterError, invalidArgument } from '../../base/errors.ts'
import type { BlockSink, CarImporter, Importer, ImportOutput, SharderFactory } from '../../importer/importer.ts'
import type { AddedOutput, AddParams, UploadEntry } from '../../model/add.ts'
import type { CID, PeerId } from '../../model/cid.ts'

/** How uploads become blocks. */
export interface Importers { unixfs: Importer, car: CarImporter, sharder: SharderFactory }

export interface UploadOptions {
  signal: AbortSignal | undefined
  /** Called for each root; the last one counts. */
  onRoot: (root: CID) => void
  /** The blocks go into shards. */
  forShards: boolean
}

/** What an add consumes, how, and where its blocks go. */
export interface Upload { entries: AsyncIterable<UploadEntry>, params: AddParams, sink: BlockSink }

/** Reads the entries in the format that they are in, writes their blocks to the sink, yields what is finished. */
export function readUpload ({ entries, params, sink }: Upload, importers: Importers, options: UploadOptions): AsyncIterable<ImportOutput> {
  const signal = options.signal == null ? {} : { signal: options.signal }
  if (params.format === 'car') return readCar({ entries, params, sink }, importers.car, { ...signal, onRoot: options.onRoot })
  const { wrap, progress } = params
  return importers.unixfs(entries, params, sink, { wrap, progress, onRoot: options.onRoot, scratchBlocks: options.forShards, ...signal })
}

/** Only the first entry counts, as in Go. */
async function * readCar (
  { entries, params, sink }: Upload, importCar: CarImporter, { onRoot, ...options }: { onRoot: (root: CID) => void, signal?: AbortSignal }
): AsyncGenerator<ImportOutput> {
  if (params.wrap) throw invalidArgument('cannot wrap a CAR file upload')
  for await (const entry of entries) {
    if (entry.kind !== 'file') throw invalidArgument('expected CAR file is not of type file')
    const { roots: [root], bytes, size } = await importCar(entry.content, sink, { ...options, needsRoot: params.needsRoot === true })
    if (root == null) return
    onRoot(root)
    yield { name: entry.path, cid: root, bytes, size }
    return
  }
}

/** The root that was found, or INVALID_ARGUMENT when the upload held nothing. */
export function rootOf (root: CID | undefined): CID {
  if (root == null) throw new ClusterError('INVALID_ARGUMENT', { empty: true }, { message: 'there is nothing to add' })
  return root
}

/** The answer's line; progress has no holders. */
export const addedOutput = ({ name, cid, bytes, size }: ImportOutput, allocations: PeerId[]): AddedOutput =>
  ({ name, cid, bytes, size, allocations: cid == null ? [] : allocations })
