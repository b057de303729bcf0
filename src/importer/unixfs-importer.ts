import { ClusterError } from '../base/errors.ts'
import { yieldToEventLoop } from '../base/event-loop.ts'
import { BlockBatch } from './block-batch.ts'
import { createBlockMaker } from './block-maker.ts'
import { isPathTooDeep, pathTooDeep } from './importer.ts'
import type { Importer } from './importer.ts'
import { UploadSession } from './upload-session.ts'

/** Not every entry has blocks that fill a batch. */
const entriesPerTick = 64

/** See `Importer`: the contract. */
export const importEntries: Importer = async function * (entries, params, sink, options) {
  const batch = new BlockBatch(sink)
  let finished = false
  try {
    const session = new UploadSession({ params, options }, { batch, maker: await createBlockMaker(params) })
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
        for await (const piece of entry.content) {
          options.signal?.throwIfAborted()
          session.push(piece)
          while (session.step()) if (batch.isFull) await batch.flush()
          if (session.hasOutputs) for (const output of session.takeOutputs()) yield output
        }
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
