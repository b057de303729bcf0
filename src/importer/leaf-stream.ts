import { giveBack, lend } from '../base/lent-memory.ts'
import type { Begun, BlockWorkers, Leaf, LeafBatch, LeafFormat, OwnBytes } from './block-workers.ts'
import { parseChunker } from './chunkers.ts'

/** A job has about this many bytes: much more than what handing it over costs, and little enough for many to be under way. */
const jobBytes = 1 << 20

/** Pieces of memory of earlier jobs that wait for the next one. */
const mostSpare = 4

/**
 * The leaves of a file in their order, made by others. Where the ends of chunks depend on the content, a job waits for the one before it;
 * else as many run as `workers` let run. Memory: one job that is gathered, and those that run or whose leaves weren't taken yet: at most
 * `workers.width`. That of the leaves is lent: when all of a job's were given back, the next ones lie there.
 */
export async function * leafStream (
  pieces: AsyncIterable<Uint8Array>, format: LeafFormat, workers: BlockWorkers
): AsyncGenerator<readonly Leaf[], void, undefined> {
  const chunker = parseChunker(format.chunker)
  const isSequential = chunker.fixedBytes == null
  const gathered = new JobBytes({
    bytes: Math.max(1, Math.floor(jobBytes / (chunker.fixedBytes ?? 1))) * (chunker.fixedBytes ?? 1),
    restBytes: isSequential ? chunker.maxBytes : 0
  })
  const running: Array<Begun<LeafBatch>> = []
  /** For nodes of leaves; raw ones are parts of what was gathered. */
  const free: ArrayBuffer[] = []
  const begin = async (isLast: boolean): Promise<void> => {
    running.push(await workers.leaves({ format, bytes: gathered.take(), isLast, into: free.pop() }))
  }
  const take = async (): Promise<readonly Leaf[]> => {
    const { leaves, rest, spare, memory } = await running.shift()?.result ?? noLeaves
    gathered.goOn(rest, spare)
    lendLeaves(leaves, memory, again => {
      if (format.rawLeaves) gathered.keep(again)
      else if (free.length < workers.width) free.push(again)
    })
    return leaves
  }
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      at += gathered.add(piece, at)
      if (!gathered.isFull) continue
      if (isSequential) yield await take()
      while (running.length >= workers.width) yield await take()
      await begin(false)
    }
    giveBack(piece)
  }
  while (running.length > 0) yield await take()
  if (gathered.isEmpty) return
  await begin(true)
  yield await take()
}

const noLeaves: LeafBatch = { leaves: [], rest: new Uint8Array(0), spare: undefined, memory: undefined }

function lendLeaves (leaves: readonly Leaf[], memory: ArrayBuffer | undefined, again: (memory: ArrayBuffer) => void): void {
  const bytes = leaves.reduce((sum, { block }) => sum + block.bytes.length, 0)
  if (memory != null && bytes > 0) lend(Buffer.from(memory, 0, bytes), ({ buffer }) => again(buffer as ArrayBuffer))
}

/** Gathers the bytes of a job in one piece, with room in front for what the job before left over. */
class JobBytes {
  readonly #bytes: number
  readonly #restBytes: number
  readonly #spare: ArrayBuffer[] = []
  #memory: Buffer | undefined
  #end: number
  #rest: Uint8Array = new Uint8Array(0)

  constructor ({ bytes, restBytes }: { bytes: number, restBytes: number }) {
    this.#bytes = bytes
    this.#restBytes = restBytes
    this.#end = restBytes
  }

  get isFull (): boolean { return this.#end === this.#restBytes + this.#bytes }
  get isEmpty (): boolean { return this.#end === this.#restBytes && this.#rest.length === 0 }

  /** Takes what there is room for; tells how much. */
  add (piece: Uint8Array, from: number): number {
    const memory = this.#memory ??= this.#allocate()
    const length = Math.min(piece.length - from, memory.length - this.#end)
    memory.set(length === piece.length ? piece : piece.subarray(from, from + length), this.#end)
    this.#end += length
    return length
  }

  /** What the job before left over, and its memory. */
  goOn (rest: Uint8Array, spare: ArrayBuffer | undefined): void {
    this.#rest = rest
    if (spare != null) this.keep(spare)
  }

  /** Memory of an earlier job that nobody uses any more. */
  keep (memory: ArrayBuffer): void {
    if (memory.byteLength === this.#restBytes + this.#bytes && this.#spare.length < mostSpare) this.#spare.push(memory)
  }

  take (): OwnBytes {
    const memory = this.#memory ?? this.#allocate()
    const begin = this.#restBytes - this.#rest.length
    memory.set(this.#rest, begin)
    const bytes = memory.subarray(begin, this.#end)
    this.#memory = undefined
    this.#end = this.#restBytes
    this.#rest = noLeaves.rest
    return bytes as OwnBytes
  }

  #allocate (): Buffer {
    const spare = this.#spare.pop()
    return spare == null ? Buffer.allocUnsafeSlow(this.#restBytes + this.#bytes) : Buffer.from(spare)
  }
}
