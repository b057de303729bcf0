import type { Added, AddOptions } from '../../../src/client/types.ts'
import type { UploadEntry } from '../../../src/client/multipart.ts'
import type { CommandLine } from '../usage/command.ts'
import type { CtlContext } from '../context.ts'
import { CommandFailed, doing, exitCodes, isApiError } from '../failure.ts'
import type { FlagValues } from '../usage/flags.ts'
import { addedFormat, addedQuietFormat } from '../print/formats.ts'
import { entriesOf, localPath, nameOf, sizeOf } from './local-files.ts'
import type { LocalFilesInit, LocalPath } from './local-files.ts'
import { contentLimits, expireAt, metadataOf, peersOf } from './pin-arguments.ts'
import { StatusLine } from '../print/status-line.ts'
import { UploadBar } from './upload-bar.ts'
import { waitFor } from './wait.ts'

type Source = { kind: 'url', url: URL } | { kind: 'file', file: LocalPath }

/** `add PATH…`. A handler prints to the context's terminal and gives the exit code; what fails, it throws as CommandFailed. */
export async function add ({ flags, args }: CommandLine, context: CtlContext): Promise<number> {
  if (args.length === 0) throw new CommandFailed('error : need at least one path')
  const options = await optionsOf(flags, { count: args.length, now: context.clock.now() })
  const sources = await doing('', async () => Promise.all(args.map(async text => sourceOf(text, options))))
  const last = await upload(sources, options, { flags, context })
  if (flags.yes('wait') && last?.cid != null) await waitUntilPinned(last.cid, { flags, context })
  return exitCodes.done
}

async function optionsOf (flags: FlagValues, { count, now }: { count: number, now: number }): Promise<AddOptions> {
  const hash = flags.text('hash', 'sha2-256')
  const cidVersion = hash === 'sha2-256' ? flags.number('cid-version') : 1
  const wrapWithDirectory = flags.yes('wrap-with-directory') || count > 1
  const format = flags.text('format', 'unixfs')
  const at = await expireAt(flags, now)
  const metadata = metadataOf(flags.texts('metadata'))
  if (wrapWithDirectory && format === 'car') {
    throw new CommandFailed('error : only a single CAR file can be added and wrap-with-directory is not supported')
  }
  return {
    name: flags.text('name'),
    replicationFactorMin: flags.number('replication-min'),
    replicationFactorMax: flags.number('replication-max'),
    ...(at == null ? {} : { expireAt: at }),
    metadata,
    ...contentLimits(flags),
    userAllocations: peersOf(flags).filter(peer => peer != null),
    noPin: flags.yes('no-pin'),
    // the peer says what is wrong with a name that it doesn't know
    format: format as 'unixfs' | 'car',
    layout: flags.text('layout') as 'balanced' | 'trickle',
    chunker: flags.text('chunker', 'size-262144'),
    hash,
    cidVersion: cidVersion as 0 | 1,
    rawLeaves: flags.yes('raw-leaves') || cidVersion > 0 || flags.yes('nocopy'),
    wrapWithDirectory,
    local: flags.yes('local'),
    noCopy: flags.yes('nocopy'),
    recursive: flags.yes('recursive'),
    hidden: flags.yes('hidden')
  }
}

async function sourceOf (text: string, { noCopy = false, recursive = false }: AddOptions): Promise<Source> {
  if (/^https?:\/\//i.test(text)) return { kind: 'url', url: new URL(text) }
  if (noCopy) throw new Error('nocopy option is only valid for URLs')
  return { kind: 'file', file: await localPath(text, { recursive }) }
}

/** Sends everything and prints what was added; gives the last line. */
async function upload (
  sources: readonly Source[], options: AddOptions, { flags, context }: { flags: FlagValues, context: CtlContext }
): Promise<Added | undefined> {
  const { client, printer, signal } = context
  const isQuieter = flags.yes('quieter')
  const format = isQuieter || flags.yes('quiet') ? addedQuietFormat : addedFormat
  const files = { recursive: true, hidden: options.hidden ?? false }
  const bar = isQuieter ? undefined : await barOf(sources, files, context)
  const gathered: Added[] = []
  let last: Added | undefined
  try {
    for await (const added of client.add(entries(sources, { ...files, onBytes: count => bar?.sent(count) }), { ...options, signal })) {
      last = added
      if (flags.yes('no-stream')) gathered.push(added)
      else if (!isQuieter) {
        bar?.clear()
        printer.one(added, format)
      }
    }
  } catch (err) {
    bar?.clear()
    await finish()
    throw isApiError(err) || signal.aborted ? err : new CommandFailed(`error : ${(err as Error).message}`, { cause: err })
  }
  bar?.clear()
  await finish()
  return last

  async function finish (): Promise<void> {
    if (last == null) return
    if (flags.yes('no-stream')) await printer.all(isQuieter ? [last] : gathered, format)
    else if (isQuieter) printer.one(last, format)
  }
}

async function barOf (sources: readonly Source[], files: LocalFilesInit, { terminal, clock }: CtlContext): Promise<UploadBar | undefined> {
  if (!terminal.errIsTerminal) return undefined
  const sizes = await Promise.all(sources.map(async source => source.kind === 'url' ? NaN : sizeOf(source.file, files)))
  const total = sizes.reduce((sum, size) => sum + size, 0)
  return new UploadBar({ totalBytes: Number.isNaN(total) ? 0 : total }, { line: new StatusLine(terminal), now: () => clock.elapsed() })
}

async function * entries (sources: readonly Source[], init: LocalFilesInit): AsyncGenerator<UploadEntry, void, undefined> {
  for (const source of sources) {
    if (source.kind === 'file') yield * entriesOf(source.file, nameOf(source.file), init)
    else yield { path: urlName(source.url), content: () => download(source.url, init), absolutePath: source.url.href }
  }
}

/** The last part of the path. */
const urlName = ({ pathname }: URL): string => decodeURIComponent(pathname.split('/').findLast(part => part !== '') ?? '/')

async function * download (url: URL, { onBytes }: LocalFilesInit): AsyncGenerator<Uint8Array, void, undefined> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`got non-2XX status code ${response.status}: ${url.href}`)
  for await (const chunk of response.body ?? []) {
    yield chunk
    onBytes?.(chunk.length)
  }
}

async function waitUntilPinned (cid: string, { flags, context }: { flags: FlagValues, context: CtlContext }): Promise<void> {
  const { client, signal } = context
  const limit = await client.allocation(cid, { signal }).then(pin => pin.replication_factor_min, () => flags.number('replication-min'))
  await waitFor(cid, { target: 'pinned', limit, timeoutMs: flags.number('wait-timeout') }, context)
}
