import { messageOf } from '../../../src/base/errors.ts'
import type { BenchClient } from './requests.ts'

export interface CleanInit { parallel: number }
export interface CleanDeps { unpin: (cid: string) => Promise<void>, onProgress: (gone: number) => void }

/** `message`: why the first of those that stayed did. */
export interface Cleaned { gone: number, stayed: number, message: string }

/** Unpins all of them, some at a time. What can't be unpinned is counted. */
export async function clean (
  cids: Iterable<string> | AsyncIterable<string>, { parallel }: CleanInit, { unpin, onProgress }: CleanDeps
): Promise<Cleaned> {
  const cleaned: Cleaned = { gone: 0, stayed: 0, message: '' }
  const source = asyncIterator(cids)
  const worker = async (): Promise<void> => {
    for (let next = await source.next(); next.done !== true; next = await source.next()) {
      try {
        await unpin(next.value)
        onProgress(++cleaned.gone)
      } catch (err) {
        cleaned.stayed++
        if (cleaned.message === '') cleaned.message = messageOf(err)
      }
    }
  }
  await Promise.all(Array.from({ length: parallel }, worker))
  return cleaned
}

async function * asyncIterator (cids: Iterable<string> | AsyncIterable<string>): AsyncGenerator<string, void, undefined> { yield * cids }

/** The CIDs of pins whose name begins like that. */
export async function * pinsNamed (
  prefix: string, { client, signal }: { client: Pick<BenchClient, 'allocations'>, signal?: AbortSignal }
): AsyncGenerator<string, void, undefined> {
  for await (const { cid, name } of client.allocations(signal == null ? {} : { signal })) if (name.startsWith(prefix)) yield cid
}
