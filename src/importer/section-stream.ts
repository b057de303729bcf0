import type { Block } from '../blockstore/blockstore.ts'
import type { Begun, BlockWorkers, CheckedSections, OwnBytes } from './block-workers.ts'

/** A job has about this many bytes, or one larger section. */
const jobBytes = 1 << 20
/** Tiny sections are as much work as others. */
const jobSections = 512

/** Where sections come from. */
export interface SectionSource {
  /** Length of the next section; undefined when there is none. */
  next (): Promise<number | undefined>
  /** Fills `target` with the section. */
  read (target: Uint8Array): Promise<void>
}

export interface SectionStreamDeps {
  workers: BlockWorkers
  /** Called for a section that isn't right: throws what is wrong with it. */
  refuse: (section: Uint8Array) => Promise<unknown>
}

/**
 * The blocks of sections in their order, checked by others. What comes before a fault is given before it is thrown. Memory: one job that is
 * gathered, and at most `workers.width` that run or whose blocks weren't taken yet.
 */
export async function * sectionStream (source: SectionSource, { workers, refuse }: SectionStreamDeps): AsyncGenerator<readonly Block[]> {
  const running: Array<Begun<CheckedSections>> = []
  const gathered = new JobSections()
  let failure: { err: unknown } | undefined
  const begin = async (): Promise<void> => {
    running.push(await workers.sections(gathered.take()))
  }
  const take = async function * (): AsyncGenerator<readonly Block[]> {
    const { blocks, bad } = await running.shift()?.result ?? { blocks: [], bad: undefined }
    yield blocks
    if (bad == null) return
    await refuse(bad)
    throw new Error('a section was refused for no reason')
  }
  while (failure == null) {
    const length = await source.next().catch(err => { failure = { err } })
    if (length == null) break
    if (!gathered.hasRoom(length)) {
      while (running.length >= workers.width) yield * take()
      await begin()
    }
    await source.read(gathered.add(length)).catch(err => {
      gathered.dropLast(length)
      failure = { err }
    })
  }
  if (!gathered.isEmpty) await begin()
  while (running.length > 0) yield * take()
  if (failure != null) throw failure.err
}

/** Gathers the sections of a job in one piece of memory. */
class JobSections {
  #memory: Buffer | undefined
  #end = 0
  #lengths: number[] = []

  get isEmpty (): boolean { return this.#lengths.length === 0 }

  hasRoom (length: number): boolean {
    return this.isEmpty || (this.#lengths.length < jobSections && this.#end + length <= (this.#memory?.length ?? 0))
  }

  /** Room for a section, to be filled. */
  add (length: number): Uint8Array {
    const memory = this.#memory ??= Buffer.allocUnsafeSlow(Math.max(length, jobBytes))
    this.#lengths.push(length)
    return memory.subarray(this.#end, this.#end += length)
  }

  /** The section that was added last didn't come. */
  dropLast (length: number): void {
    this.#lengths.pop()
    this.#end -= length
  }

  take (): { bytes: OwnBytes, lengths: readonly number[] } {
    const job = { bytes: (this.#memory ?? Buffer.allocUnsafeSlow(0)).subarray(0, this.#end) as OwnBytes, lengths: this.#lengths }
    this.#memory = undefined
    this.#end = 0
    this.#lengths = []
    return job
  }
}
