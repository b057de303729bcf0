import { mixedCluster, type Kind } from '../interop/mixed-cluster.ts'
import { bundledProgram, jsonLines } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'

/** Batched: 300 pins per block. Unbatched: one pin after the other, a chain of one block each. */
export type Filling = 'batched' | 'unbatched'

const counts: Record<Filling, number> = { batched: 15_000, unbatched: 1500 }
const limitMs = 120_000

const cidOf = (at: number): string => {
  const bytes = Buffer.from(`fresh-${at}`)
  return `f015500${bytes.length.toString(16).padStart(2, '0')}${bytes.toString('hex')}`
}

/**
 * How fast a peer that joins takes over the pinset of another, in pins per second from the start of its program to its whole list. The pins
 * are the source's alone, so that only the state travels. Rejects when it takes more than two minutes.
 */
export async function joined ({ source, fresh, filling }: { source: Kind, fresh: Kind, filling: Filling }): Promise<number> {
  const count = counts[filling]
  const cluster = await mixedCluster([source, fresh], json => {
    if (filling === 'batched') json.consensus.crdt.batching = { max_batch_size: 300, max_batch_age: '500ms' }
  }, bundledProgram)
  try {
    await cluster.start(0)
    const [filled, joining] = [cluster.at(0).url, cluster.at(1).url]
    const pin = async (at: number): Promise<boolean> => {
      const response = await fetch(
        `${filled}/pins/${cidOf(at)}?replication-min=1&replication-max=1&user-allocations=${cluster.id(0)}`, { method: 'POST' }
      )
      await response.arrayBuffer()
      return response.ok
    }
    await pollUntil(async () => pin(0), { withinMs: limitMs, what: 'the first pin' })
    let next = 1
    await Promise.all(Array.from({ length: filling === 'batched' ? 32 : 1 }, async () => {
      while (next < count) if (!await pin(next++)) throw new Error('a pin was refused')
    }))
    const total = async (url: string): Promise<number> => (await jsonLines(await fetch(`${url}/allocations?filter=all`))).length
    await pollUntil(async () => await total(filled) === count, { withinMs: limitMs, everyMs: 200, what: 'the filling' })

    const from = performance.now()
    await cluster.start(1)
    // single pins first, and few: lists and many requests would slow down the one that is measured
    for (let at = 0; at < count; at += Math.ceil(count / 16)) {
      await pollUntil(
        async () => (await fetch(`${joining}/allocations/${cidOf(at)}`)).status === 200,
        { withinMs: limitMs - (performance.now() - from), everyMs: 5, what: 'the state' }
      )
    }
    await pollUntil(async () => await total(joining) === count, { withinMs: limitMs, everyMs: 20, what: 'the whole state' })
    return count / (performance.now() - from) * 1000
  } finally {
    await cluster.remove()
  }
}
