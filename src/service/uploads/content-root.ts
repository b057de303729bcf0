import type { BlockSink, CarImporter, Importer } from '../../importer/importer.ts'
import { Channel } from '../../base/channel.ts'
import { invalidArgument } from '../../base/errors.ts'
import { yieldToEventLoop } from '../../base/event-loop.ts'
import type { AddedOutput, UploadEntry } from '../../model/add.ts'
import { carSectionHead } from '../../model/car.ts'
import type { CID } from '../../model/cid.ts'
import type { Staging } from '../staging/staging.ts'
import { addParams } from './add-params.ts'
import type { UploadFormat } from './uploads.ts'

/** The importers that an add uses. */
export interface Importing { importer: Importer, importCar: CarImporter }

/** The root of what was read; for a CAR also how much its blocks have together. */
export interface ContentRoot { cid: CID, blockBytes: number }

/** How far the importer may be ahead of the storage. */
const windowBytes = 4 * 2 ** 20
/** Small blocks travel together. */
const gatherBytes = 256 * 1024

const noSink: BlockSink = { write: () => {} }

/** Goes over content as the cluster's `add` would, and keeps nothing of it. INVALID_ARGUMENT as that. */
export async function contentRoot (
  { format, entries, sink = noSink }: { format: UploadFormat, entries: AsyncIterable<UploadEntry>, sink?: BlockSink },
  { importer, importCar }: Importing, options: { signal?: AbortSignal }
): Promise<ContentRoot> {
  if (format === 'car') {
    for await (const entry of entries) {
      if (entry.kind !== 'file') break
      const { roots: [root], bytes } = await importCar(entry.content, sink, { ...options, needsRoot: true })
      if (root != null) return { cid: root, blockBytes: bytes }
    }
  } else {
    let root: CID | undefined
    const params = addParams(format)
    const onRoot = (cid: CID): void => { root = cid }
    for await (const _line of importer(entries, params, sink, { ...options, wrap: params.wrap, progress: false, onRoot })) {
      // only the root counts
    }
    if (root != null) return { cid: root, blockBytes: 0 }
  }
  throw invalidArgument('there is nothing in the upload', { empty: true })
}

/** The same of what `ClusterApi.add` answers: it comes to the root last. */
export async function addedRoot (outputs: AsyncIterable<AddedOutput>): Promise<ContentRoot> {
  let last: AddedOutput | undefined
  for await (const output of outputs) if (output.cid != null) last = output
  if (last?.cid == null) throw invalidArgument('there is nothing in the upload', { empty: true })
  return { cid: last.cid, blockBytes: last.bytes }
}

/**
 * Stages an upload while it comes, and finds its root on the way. Of a directory, its blocks are staged. What it rejects with has left
 * nothing in staging.
 */
export async function stageContent (
  { key, format, entries }: { key: string, format: UploadFormat, entries: AsyncIterable<UploadEntry> },
  deps: Importing & { staging: Staging }, options: { signal?: AbortSignal }
): Promise<ContentRoot> {
  const channel = new Channel<Uint8Array>(windowBytes)
  const stored = deps.staging.put(key, channel, options).catch((err: unknown) => {
    channel.close({ err })
    throw err
  })
  stored.catch(() => {}) // waited for below
  let isStored = false
  try {
    const root = await (format === 'directory'
      ? contentRoot({ format, entries, sink: sectionSink(channel) }, deps, options)
      : contentRoot({ format, entries: teed(entries, channel) }, deps, options))
    channel.end()
    await stored
    isStored = true
    return root
  } finally {
    if (!isStored) {
      channel.end({ err: invalidArgument('the upload ended early') })
      await stored.catch(() => {}) // the first error counts
    }
  }
}

/** The same entries, whose content also goes into the channel. */
async function * teed (entries: AsyncIterable<UploadEntry>, channel: Channel<Uint8Array>): AsyncGenerator<UploadEntry, void, undefined> {
  for await (const entry of entries) yield entry.kind === 'file' ? { ...entry, content: teedContent(entry.content, channel) } : entry
}

async function * teedContent (
  content: AsyncIterable<Uint8Array>, channel: Channel<Uint8Array>
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of content) {
    const wait = channel.push(piece, piece.length)
    if (wait != null) await wait
    yield piece
  }
}

/** Blocks as sections of a CAR. */
function sectionSink (channel: Channel<Uint8Array>): BlockSink {
  return {
    async write (blocks) {
      let gathered: Uint8Array[] = []
      let bytes = 0
      const send = async (): Promise<void> => {
        const sections = Buffer.concat(gathered)
        await channel.push(sections, sections.length)
        gathered = []
        bytes = 0
      }
      for (const block of blocks) {
        gathered.push(carSectionHead(block), block.bytes)
        bytes += block.bytes.length
        if (bytes >= gatherBytes) await send()
      }
      if (gathered.length > 0) await send()
      await yieldToEventLoop()
    }
  }
}
