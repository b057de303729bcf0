import type { CID } from 'multiformats/cid'
import type { Block } from '../../blockstore/blockstore.ts'
import type { Random } from '../../base/clock.ts'
import { ClusterError } from '../../base/errors.ts'
import { parseCid } from '../../model/cid.ts'
import { identityHash } from '../../model/multicodec.ts'
import { hashName } from '../../hash/multihash.ts'
import type { KuboRpc } from './rpc.ts'

export interface BlockUploadDeps { rpc: KuboRpc, random: Random }

/**
 * Stores blocks by `block/put`: one request for all blocks in a row whose multihashes are of one kind, named after the first one's codec
 * (Kubo files blocks by multihash). What the source throws comes out as it is, when what came before it is stored.
 */
export async function uploadBlocks (
  source: AsyncIterable<readonly Block[]>, { rpc, random }: BlockUploadDeps, signal: AbortSignal | undefined
): Promise<void> {
  const blocks = new BlockReader(source)
  try {
    for (let first = await blocks.next(); first != null; first = blocks.heldBack) await uploadRun(first, blocks, { rpc, random }, signal)
  } finally {
    await blocks.close()
  }
  if (blocks.failure != null) throw blocks.failure.err
}

async function uploadRun (
  first: Block, blocks: BlockReader, { rpc, random }: BlockUploadDeps, signal: AbortSignal | undefined
): Promise<void> {
  const kind = hashKind(first.cid)
  const boundary = Buffer.from(random.bytes(24)).toString('hex')
  /** Multihashes that Kubo hasn't answered yet, in order. */
  const waiting: CID[] = []
  blocks.heldBack = undefined
  const content = async function * (): AsyncGenerator<Uint8Array> {
    for (let block: Block | undefined = first; block != null; block = await blocks.next()) {
      if (hashKind(block.cid) !== kind) {
        blocks.heldBack = block
        break
      }
      waiting.push(block.cid)
      yield partHead(boundary, block.cid)
      yield block.bytes
      yield lineBreak
    }
    yield Buffer.from(`--${boundary}--\r\n`)
  }
  const contentType = `multipart/form-data; boundary=${boundary}`
  for await (
    const answers of rpc.lines<{ Key: string }>(putPath(first.cid), { signal, timeoutMs: 0, body: { contentType, content: content() } })
  ) {
    for (const { Key: key } of answers) checkStored(waiting.shift(), key)
  }
  if (waiting.length > 0 && blocks.failure == null) throw notStored(waiting[0], 'no answer came for it')
}

const lineBreak = Buffer.from('\r\n')

function partHead (boundary: string, cid: CID): Buffer {
  return Buffer.from(
    `--${boundary}\r\nAbspath-Encoded: \r\nContent-Disposition: form-data; name="file"; filename="${cid.toString()}"\r\nContent-Type: application/octet-stream\r\n\r\n`
  )
}

const hashKind = ({ multihash }: CID): string => `${multihash.code}/${multihash.size}`

function putPath ({ code, multihash }: CID): string {
  const name = hashName(multihash.code)
  if (name == null) {
    throw new ClusterError(
      'IPFS_ERROR', { code: multihash.code },
      { message: `the IPFS node stores no blocks with the hash function 0x${multihash.code.toString(16)}` }
    )
  }
  return `block/put?allow-big-block=true&cid-codec=${codecName(code)}&mhlen=${multihash.size}&mhtype=${name}&pin=false`
}

function checkStored (sent: CID | undefined, key: string): void {
  const stored = parseCid(key)
  if (sent == null || !Buffer.from(sent.multihash.bytes).equals(stored.multihash.bytes)) {
    throw notStored(sent, `its content is that of ${key}`)
  }
}

const notStored = (cid: CID | undefined, why: string): ClusterError =>
  new ClusterError('INVALID_DATA', { cid: String(cid) }, { message: `the IPFS node did not store ${String(cid)}: ${why}` })

/** Gives blocks one by one. When the source fails, it ends, and `failure` has why. */
class BlockReader {
  readonly #source: AsyncIterator<readonly Block[]>
  #batch: readonly Block[] = []
  #at = 0
  #isOpen = true
  /** A block that was read but belongs to the next request. */
  heldBack: Block | undefined
  failure: { err: unknown } | undefined

  constructor (source: AsyncIterable<readonly Block[]>) { this.#source = source[Symbol.asyncIterator]() }

  async next (): Promise<Block | undefined> {
    while (this.#isOpen) {
      const block = this.#batch[this.#at++]
      if (block == null) await this.#fill()
      // identity CIDs are their own content
      else if (block.cid.multihash.code !== identityHash) return block
    }
    return undefined
  }

  /** Tells the source that nothing more is read. */
  async close (): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#source.return?.()
  }

  async #fill (): Promise<void> {
    try {
      const { done, value } = await this.#source.next()
      if (done === true) this.#isOpen = false
      else this.#batch = value
      this.#at = 0
    } catch (err) {
      this.#isOpen = false
      this.failure = { err }
    }
  }
}

/**
 * Names of the multicodec table that Kubo's `block/put` wants. What isn't here goes as `raw`: Kubo stores blocks by multihash, the codec is
 * only echoed.
 */
const codecs: Record<number, string> = {
  0x51: 'cbor', 0x55: 'raw', 0x70: 'dag-pb', 0x71: 'dag-cbor', 0x72: 'libp2p-key', 0x78: 'git-raw', 0x85: 'dag-jose', 0x0129: 'dag-json',
  0x0200: 'json'
}

/** Kubo's name of a codec for `block/put`; raw for others, whose bytes are the same. */
const codecName = (code: number): string => codecs[code] ?? 'raw'
