import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { bytesOfText, textOfBytes } from '../../../base/text/byte-text.ts'
import { invalidArgument } from '../../../base/errors.ts'
import type { Query } from '../../../http/request/query.ts'
import type { DirectoryEntry, UnixFsNode } from '../../../ipfs/dag-reader.ts'
import { cidText } from '../../../model/cid.ts'
import { goJson } from '../../../model/go-json.ts'
import { rawCodec } from '../../../model/multicodec.ts'
import { contentPath } from '../paths.ts'
import { contentOf, flag, integer, pathArgument, pathArguments } from './arguments.ts'
import type { Command, CommandCall, CommandDeps } from './command.ts'
import { tarEnd } from '../../common/dag/tar.ts'
import type { TarTime } from '../../common/dag/tar.ts'
import { mtimeOf, storedMode, tarTree } from '../../common/dag/tar-tree.ts'

const zeroTime = '0001-01-01T00:00:00Z'

/** `cat`, `get` and `ls` on UnixFS. */
export function fileCommands (deps: CommandDeps): Record<string, Command> {
  return {
    cat: call => cat(deps, call),
    get: call => getTree(deps, call),
    ls: call => list(deps, call)
  }
}

function cat (deps: CommandDeps, call: CommandCall): ReturnType<Command> {
  const { reader } = deps
  const { query, get, prefetch, joined, ahead } = call
  const paths = pathArguments({ all: query.all('arg') }).map(contentPath)
  const offset = notNegative(query, 'offset', 0)
  const length = notNegative(query, 'length', Infinity)
  return {
    kind: 'bytes',
    contentType: 'text/plain',
    source: (async function * () {
      let [skip, left] = [offset, length]
      for (const path of paths) {
        const node = await fileNode(await reader.readNode(await contentOf(path, deps, call), get))
        const size = reader.fileSize(node)
        const range = { from: Math.min(skip, size), before: Math.min(size, skip + left) }
        skip -= range.from
        left -= range.before - range.from
        if (range.before > range.from) yield * reader.readFile(node, get, { range, ahead, prefetch, joined })
      }
    })()
  }
}

/** Throws INVALID_ARGUMENT with Kubo's text. */
function notNegative (query: Query, name: string, whenMissing: number): number {
  const value = integer(query, name, { whenMissing, atLeast: -Infinity })
  if (value < 0) throw invalidArgument(`cannot specify negative ${name}`, { [name]: value })
  return value
}

async function fileNode (node: UnixFsNode): Promise<UnixFsNode> {
  if (node.kind === 'directory' || node.kind === 'shard') {
    throw invalidArgument('this dag node is a directory', { cid: node.cid.toString() })
  }
  return node
}

function getTree (deps: CommandDeps, call: CommandCall): ReturnType<Command> {
  const { query, get, prefetch, joined, ahead } = call
  const path = pathArgument(query)
  const isGzip = flag(query, 'compress')
  const isArchive = flag(query, 'archive') || !isGzip
  const level = integer(query, 'compression-level', { whenMissing: -1, atLeast: -1 })
  const source = async function * (): AsyncGenerator<Uint8Array> {
    const node = await deps.reader.readNode(await contentOf(path, deps, call), get)
    // one file needs no archive around it when it is compressed
    if (!isArchive && (node.kind === 'file' || node.kind === 'raw')) yield * deps.reader.readFile(node, get, { ahead, prefetch, joined })
    else {
      const now = { seconds: Math.floor(deps.clock.now() / 1000), nanoseconds: 0 }
      yield * tarTree(path.split('/').at(-1) ?? '', node, { reader: deps.reader, get, ahead, prefetch, joined, now })
      yield tarEnd
    }
  }
  const bytes = isGzip ? gzipped(source(), Math.min(level, 9)) : source()
  return { kind: 'bytes', contentType: isGzip ? 'application/gzip' : 'application/x-tar', source: bytes }
}

/** An error of the source is an error of the result. */
function gzipped (source: AsyncIterable<Uint8Array>, level: number): AsyncIterable<Uint8Array> {
  const gzip = createGzip({ level })
  pipeline(Readable.from(source), gzip).catch(err => gzip.destroy(err as Error))
  return gzip
}

const types: Record<UnixFsNode['kind'], number> = { directory: 1, shard: 1, file: 2, raw: 2, symlink: 4 }

/** Go's os.FileMode: setuid, setgid and sticky have bits of their own, directories too. */
function goMode (mode: number, isDirectory: boolean): number {
  if (mode === 0) return 0
  return (mode & 0o777) + ((mode & 0o6000) << 12) + ((mode & 0o1000) << 11) + (isDirectory ? 2 ** 31 : 0)
}

/** What a Date can hold. */
const latestSecond = 8_640_000_000_000

/** As Go prints times: a fraction only where there is one. */
function timeText (time: TarTime | undefined): string {
  if (time == null || Math.abs(time.seconds) > latestSecond) return zeroTime
  const fraction = time.nanoseconds === 0 ? '' : `.${String(time.nanoseconds).padStart(9, '0')}`.replace(/0+$/, '')
  return new Date(time.seconds * 1000).toISOString().replace('.000Z', `${fraction}Z`)
}

const pieceOf = ({ Hash: cid, Tsize = 0 }: UnixFsNode['links'][number]): DirectoryEntry => ({ name: '', cid, sizeBytes: Tsize })

/** Directories of up to so many entries are sorted, as Kubo does; more are told as they come. */
const sortedUpTo = 20_000

async function * sortedByName (entries: AsyncIterable<DirectoryEntry>): AsyncGenerator<DirectoryEntry> {
  let held: DirectoryEntry[] | undefined = []
  for await (const entry of entries) {
    if (held == null) yield entry
    else if (held.push(entry) > sortedUpTo) {
      yield * held
      held = undefined
    }
  }
  if (held != null) yield * held.toSorted((a, b) => Buffer.compare(bytesOfText(a.name), bytesOfText(b.name)))
}

function list (deps: CommandDeps, call: CommandCall): ReturnType<Command> {
  const { reader } = deps
  const { query, get, prefetch } = call
  const args = pathArguments({ all: query.all('arg') })
  const paths = args.map(contentPath)
  const isStream = flag(query, 'stream') || flag(query, 's')
  const withType = flag(query, 'resolve-type', true) || flag(query, 'size', true)
  const row = async ({ name, cid, sizeBytes }: DirectoryEntry): Promise<string> => {
    const isRaw = cid.code === rawCodec // a file of this size: no need to look at it
    const node = withType && !isRaw ? await reader.readNode(cid, get) : undefined
    const isDirectory = node?.kind === 'directory' || node?.kind === 'shard'
    return goJson({
      Name: name,
      Hash: cidText(cid),
      Size: isRaw ? sizeBytes : node == null || isDirectory ? 0 : node.kind === 'symlink' ? node.data.length : reader.fileSize(node),
      Type: isRaw ? types.raw : node == null ? 0 : types[node.kind],
      Target: node?.kind === 'symlink' ? textOfBytes(node.data) : '',
      Mode: node == null ? 0 : goMode(storedMode(node), isDirectory),
      ModTime: node == null ? zeroTime : timeText(mtimeOf(node))
    })
  }
  const entriesOf = (node: UnixFsNode): AsyncIterable<DirectoryEntry> | DirectoryEntry[] => {
    if (node.kind === 'shard' && !isStream) return sortedByName(reader.listEntries(node, get, { prefetch }))
    // of a file these are its pieces
    return node.kind === 'shard' || node.kind === 'directory' ? reader.listEntries(node, get, { prefetch }) : node.links.map(pieceOf)
  }
  const rowsOf = async function * (path: string): AsyncGenerator<string> {
    const node = await reader.readNode(await contentOf(path, deps, call), get)
    for await (const entry of entriesOf(node)) yield await row(entry)
  }
  const hashOf = (at: number): string => goJson(args[at])
  if (isStream) {
    return {
      kind: 'lines',
      source: (async function * () {
        for (const [at, path] of paths.entries()) {
          for await (const text of rowsOf(path)) yield `{"Objects":[{"Hash":${hashOf(at)},"Links":[${text}]}]}\n`
        }
      })()
    }
  }
  return {
    kind: 'one',
    source: (async function * () {
      let text = '{"Objects":['
      for (const [at, path] of paths.entries()) {
        text += `${at === 0 ? '' : ','}{"Hash":${hashOf(at)},"Links":[`
        let isFirst = true
        for await (const one of rowsOf(path)) {
          yield `${text}${isFirst ? '' : ','}${one}`
          text = ''
          isFirst = false
        }
        text += ']}'
      }
      yield `${text}]}\n`
    })()
  }
}
