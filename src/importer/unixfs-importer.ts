import { ClusterError } from '../base/errors.ts'
import { yieldToEventLoop } from '../base/event-loop.ts'
import { BlockBatch } from './block-batch.ts'
import { createBlockMaker } from './block-maker.ts'
import type { BlockWorkers } from './block-workers.ts'
import type { LeafMemory } from './file-node.ts'
import { isPathTooDeep, pathTooDeep } from './importer.ts'
import type { Importer, ImportOptions, ImportOutput } from './importer.ts'
import { openContent } from './large-files.ts'
import { leafStream } from './leaf-stream.ts'
import type { DagParams } from '../model/add.ts'
import { UploadSession } from './upload-session.ts'

/** Not every entry has blocks that fill a batch. */
const entriesPerTick = 64
/** Two of the largest chunks: a file of one leaf is never large. Below, handing over costs more than it brings. */
const usualLargeBytes = 4 * 1024 * 1024

export interface UnixfsImporterInit {
  /** Files of so many bytes are made by the workers. Default 4 MiB, at least that. */
  largeBytes?: number
}

export interface UnixfsImporterDeps {
  /** Make the leaves of large files. Undefined: that is done here. */
  workers?: BlockWorkers | undefined
  /** Of leaves that are made here. Default: new for each. */
  memory?: LeafMemory
}

/** Files and directories become blocks. Who makes the leaves is no difference to blocks, order and lines. */
export function unixfsImporter (
  { largeBytes = usualLargeBytes }: UnixfsImporterInit = {}, { workers, memory = Buffer.allocUnsafeSlow }: UnixfsImporterDeps = {}
): Importer {
  return (entries, params, sink, options) =>
    importInto({ entries, params, options, largeBytes }, { batch: new BlockBatch(sink), workers, memory })
}

interface Import { entries: Parameters<Importer>[0], params: DagParams, options: ImportOptions, largeBytes: number }
interface ImportDeps { batch: BlockBatch, workers: BlockWorkers | undefined, memory: LeafMemory }

async function * importInto (
  { entries, params, options, largeBytes }: Import, { batch, workers, memory }: ImportDeps
): AsyncGenerator<ImportOutput> {
  let finished = false
  try {
    const session = new UploadSession({ params, options }, { batch, maker: await createBlockMaker(params), memory })
    let count = 0
    for await (const entry of entries) {
      if (++count % entriesPerTick === 0) await yieldToEventLoop()
      options.signal?.throwIfAborted()
      if (isPathTooDeep(entry.path)) throw new ClusterError('INVALID_ARGUMENT', {}, { message: pathTooDeep })
      if (session.isOutside(entry)) {
        await session.closeRoot()
        for (const output of session.takeOutputs()) yield output
      }
      if (entry.kind === 'file') {
        session.openFile(entry.path, entry.metadata)
        if (workers == null) yield * pushAll(entry.content, { session, batch, signal: options.signal })
        else yield * pushOrHandOver(entry.content, { session, batch, signal: options.signal, params, largeBytes, workers })
        while (session.step(true)) if (batch.isFull) await batch.flush()
        session.closeFile()
      } else if (entry.kind === 'symlink') session.addSymlink(entry.path, entry)
      else session.addDirectory(entry.path, entry.metadata)
      if (options.scratchBlocks === true) await batch.drain()
      else if (batch.isFull) await batch.flush()
      for (const output of session.takeOutputs()) yield output
      session.addScratchRoot()
    }
    await session.finish()
    for (const output of session.takeOutputs()) yield output
    await batch.finish()
    finished = true
  } finally {
    if (!finished) await batch.abandon()
  }
}

interface FileDeps { session: UploadSession, batch: BlockBatch, signal: AbortSignal | undefined }

async function * pushAll (
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, { session, batch, signal }: FileDeps
): AsyncGenerator<ImportOutput> {
  for await (const piece of content) {
    signal?.throwIfAborted()
    session.push(piece)
    while (session.step()) if (batch.isFull) await batch.flush()
    if (session.hasOutputs) for (const output of session.takeOutputs()) yield output
  }
}

/** Small files are made here; of large ones the leaves are made by the workers, and the nodes above them here. */
async function * pushOrHandOver (
  content: AsyncIterable<Uint8Array>,
  { session, batch, signal, params, largeBytes, workers }: FileDeps & { params: DagParams, largeBytes: number, workers: BlockWorkers }
): AsyncGenerator<ImportOutput> {
  const onPiece = (piece: Uint8Array): void => {
    signal?.throwIfAborted()
    session.received(piece.length)
  }
  const opened = await openContent(content, { largeBytes, onPiece })
  if (!opened.isLarge) {
    for (const piece of opened.pieces) {
      session.push(piece, { isCounted: true })
      while (session.step()) if (batch.isFull) await batch.flush()
    }
    return
  }
  const { chunker, hash, cidVersion, rawLeaves, layout } = params
  for await (const leaves of leafStream(opened.pieces, { chunker, hash, cidVersion, rawLeaves, layout }, workers)) {
    signal?.throwIfAborted()
    for (const leaf of leaves) {
      session.addLeaf(leaf)
      if (batch.isFull) await batch.flush()
    }
    if (session.hasOutputs) for (const output of session.takeOutputs()) yield output
  }
}
