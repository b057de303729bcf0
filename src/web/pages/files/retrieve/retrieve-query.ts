import type { FollowedFile } from '../../../../client/service/types.ts'
import { service, webFetch } from '../../../data/clients.ts'
import { statusOf } from '../../../data/errors.ts'
import { addressOf } from './content-link.ts'
import type { ContentLink } from './content-link.ts'
import { ShardWalk } from './shard-walk.ts'
import { unixFsBlockOf } from './unixfs-block.ts'
import type { UnixFsBlock, UnixFsEntry } from './unixfs-block.ts'

/** What a link leads to. */
export type Found =
  | {
    kind: 'file'
    name: string
    type: string
    sizeBytes: number | null
    /** Of this origin. */
    source: string
    download: string
    own: FollowedFile | null
  }
  | {
    kind: 'directory'
    name: string
    entries: UnixFsEntry[]
    /** Of a folder that is in many blocks: as far as it was read; null: `entries` are all. */
    more: ShardWalk | null
    download: string
    own: FollowedFile | null
  }

/** Nobody of this service has it, or nobody that can be reached. */
export class NotFoundError extends Error {
  /** Of who asks: the file that is still on its way. */
  own: FollowedFile | null = null
}

/** A file of one's own is read as such; all else through this peer's gateway, which first hears that somebody wants it. */
export async function findContent (
  link: ContentLink, { name, isUser }: { name: string | null, isUser: boolean }, signal: AbortSignal
): Promise<Found> {
  const own = isUser && link.namespace === 'ipfs' ? await ownFile(link.root, signal) : null
  try {
    return await contentOf(link, { name, own }, signal)
  } catch (err) {
    if (err instanceof NotFoundError) err.own = own
    throw err
  }
}

async function contentOf (
  link: ContentLink, { name, own }: { name: string | null, own: FollowedFile | null }, signal: AbortSignal
): Promise<Found> {
  const shown = name ?? link.path.at(-1) ?? own?.original_filename ?? link.root
  if (own != null && own.kind === 'file' && link.path.length === 0) {
    const source = `/api/v1/files/retrieve/${encodeURIComponent(own.cid)}`
    // what was pinned by its CID has a type only where it is read
    const head = own.origin === 'upload' ? null : await headOf(source, signal)
    return {
      kind: 'file', name: shown, type: head?.type ?? own.content_type, sizeBytes: head?.sizeBytes ?? own.size, source, download: source, own
    }
  }
  if (link.namespace === 'ipfs') await announce(link, signal)
  return throughGateway(link, { name: shown, own }, signal)
}

async function ownFile (cid: string, signal: AbortSignal): Promise<FollowedFile | null> {
  try {
    return await service.files.get(cid, { signal })
  } catch (err) {
    if (statusOf(err) === 404 || statusOf(err) === 401 || statusOf(err) === 400) return null
    throw err
  }
}

/** A view: what was only stored is pinned from now on. The content itself is read from this origin. */
async function announce (link: ContentLink, signal: AbortSignal): Promise<void> {
  const answer = await webFetch(`/api/gateway/${addressOf(link)}`, { redirect: 'manual', credentials: 'omit', signal })
  if (answer.type === 'opaqueredirect' || answer.status === 304 || answer.ok) return
  throw await errorOf(answer)
}

async function throughGateway (
  link: ContentLink, { name, own }: { name: string, own: FollowedFile | null }, signal: AbortSignal
): Promise<Found> {
  const address = `/${link.namespace}/${addressOf(link)}`
  const answer = await webFetch(`${address}?format=raw`, { credentials: 'omit', signal })
  if (!answer.ok) throw await errorOf(answer)
  const bytes = new Uint8Array(await answer.arrayBuffer())
  // the block's own CID says how it is to be read
  const block = /"(bafkrei|bafkr)/.test(answer.headers.get('etag') ?? '') ? null : unixFsBlockOf(bytes)
  if (block?.kind === 'directory' || block?.kind === 'shard') {
    const walk = new ShardWalk(block, readShard)
    await walk.more(shardEntries, signal)
    return {
      kind: 'directory', name, entries: walk.isAtEnd ? walk.entries.toSorted(byKindAndName) : [], more: walk.isAtEnd ? null : walk,
      download: `${address}?format=tar&download=true&filename=${encodeURIComponent(`${name}.tar`)}`, own
    }
  }
  const head = await headOf(address, signal)
  return {
    kind: 'file', name, type: head.type, sizeBytes: block?.sizeBytes ?? head.sizeBytes ?? bytes.length, source: address,
    download: `${address}?download=true&filename=${encodeURIComponent(name)}`, own
  }
}

/** So many entries of a folder in many blocks are read at a time. */
export const shardEntries = 500

const byKindAndName = (a: UnixFsEntry, b: UnixFsEntry): number => Number(a.isFile) - Number(b.isFile) || names.compare(a.name, b.name)

/** Several times faster than `localeCompare`. */
const names = new Intl.Collator()

async function readShard (cid: string, signal: AbortSignal): Promise<UnixFsBlock> {
  const answer = await webFetch(`/ipfs/${cid}?format=raw`, { credentials: 'omit', signal })
  if (!answer.ok) throw await errorOf(answer)
  const block = unixFsBlockOf(new Uint8Array(await answer.arrayBuffer()))
  if (block?.kind !== 'shard') throw new Error('A block of the folder is not of the expected kind.')
  return block
}

async function headOf (address: string, signal: AbortSignal): Promise<{ type: string, sizeBytes: number | null }> {
  const answer = await webFetch(address, { method: 'HEAD', signal })
  if (!answer.ok) throw await errorOf(answer)
  const length = answer.headers.get('content-length')
  return { type: answer.headers.get('content-type') ?? '', sizeBytes: length == null ? null : Number(length) }
}

async function errorOf (answer: Response): Promise<Error> {
  const text = await answer.text().catch(() => '')
  if (answer.status === 410 || answer.status === 451) return new Error('This content is not served here: it is on a denylist.')
  if (answer.status === 404 || answer.status === 502 || answer.status === 504) return new NotFoundError(messageIn(text))
  return Object.assign(new Error(messageIn(text) || `The gateway answered ${answer.status}.`), { status: answer.status })
}

function messageIn (text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? ''
  } catch {
    return text.startsWith('<') ? '' : text.slice(0, 300)
  }
}

const shownTextBytes = 512 * 1024

/** The beginning of a text. */
export async function readText (source: string, signal: AbortSignal): Promise<{ text: string, isWhole: boolean }> {
  const answer = await webFetch(source, { headers: { range: `bytes=0-${shownTextBytes - 1}` }, signal })
  if (answer.status === 416) return { text: '', isWhole: true }
  if (!answer.ok) throw await errorOf(answer)
  const bytes = new Uint8Array(await answer.arrayBuffer()).subarray(0, shownTextBytes)
  const total = Number(/\/(\d+)$/.exec(answer.headers.get('content-range') ?? '')?.[1] ?? bytes.length)
  return { text: new TextDecoder().decode(bytes), isWhole: bytes.length >= total }
}

/** A document for the browser's own viewer. Its type is ours: whatever is in it, it is never a page of this origin. */
export async function readPdf (source: string, signal: AbortSignal): Promise<Blob> {
  const answer = await webFetch(source, { signal })
  if (!answer.ok) throw await errorOf(answer)
  const bytes = await answer.arrayBuffer()
  if (!new TextDecoder('latin1').decode(bytes.slice(0, 1024)).includes('%PDF-')) {
    throw new Error('Its type says PDF, but it is not a PDF.')
  }
  return new Blob([bytes], { type: 'application/pdf' })
}
