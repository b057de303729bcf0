import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CID, PeerId } from '../../src/model/cid.ts'
import type { HistoryBlock, HistoryExchange, HistoryRequest, HistorySource } from '../../src/network/history.ts'
import { encodeCrdtBlock } from '../../src/wire/crdt-block.ts'
import type { CrdtBlock } from '../../src/wire/crdt-block.ts'
import { headsOf, pinChain, randomDag, tipsOf } from '../support/crdt-dag.ts'
import { SeededRandom } from '../support/sim-clock.ts'

/** A peer that asks, one that gives from `source`, and one that is connected but doesn't speak the protocol. */
export interface HistoryHarness {
  asker: HistoryExchange
  giver: PeerId
  stranger: PeerId
  nowhere: PeerId
  close (): Promise<void>
}

/** Blocks in memory; `reads` counts how often one was asked for. */
export class BlocksSource implements HistorySource {
  reads = 0
  heads: CID[] = []
  readonly #bytes = new Map<string, Uint8Array>()

  hold (blocks: readonly CrdtBlock[], heads: readonly CID[] = tipsOf(blocks)): void {
    for (const { cid, bytes } of blocks) this.#bytes.set(cid.toString(), bytes)
    this.heads = [...heads]
  }

  completeHeads (): CID[] { return this.heads }

  getBlock (cid: CID): Uint8Array | undefined {
    this.reads++
    return this.#bytes.get(cid.toString())
  }
}

const nothing: HistoryRequest = { roots: [], known: [] }
const signal = new AbortController().signal

async function all (blocks: AsyncIterable<HistoryBlock[]>): Promise<HistoryBlock[]> {
  const given: HistoryBlock[] = []
  for await (const batch of blocks) given.push(...batch)
  return given
}

let chain: CrdtBlock[] | undefined
/** More than what streams hold. */
const longChain = (): CrdtBlock[] => chain ??= largeBlocks(300, 64 * 1024)

/** A chain whose blocks have so many bytes. */
function largeBlocks (count: number, sizeBytes: number): CrdtBlock[] {
  const blocks: CrdtBlock[] = []
  for (let at = 1; at <= count; at++) {
    blocks.push(
      encodeCrdtBlock(
        { elements: [{ key: '/large', value: new Uint8Array(sizeBytes) }], tombstones: [], priority: at }, headsOf(blocks.at(-1))
      )
    )
  }
  return blocks
}

const texts = (cids: ReadonlyArray<{ cid: CID }>): string[] => cids.map(({ cid }) => cid.toString())

/** What asking for history promises. */
export function historyContract (name: string, open: (source: HistorySource) => Promise<HistoryHarness>): void {
  describe(`history contract: ${name}`, () => {
    const scenario = (what: string, act: (harness: HistoryHarness & { source: BlocksSource }) => Promise<void>): void => {
      it(what, async () => {
        const source = new BlocksSource()
        const harness = await open(source)
        try { await act({ ...harness, source }) } finally { await harness.close() }
      })
    }

    scenario('gives the heads and all that is under them, checked, the newest first', async ({ asker, giver, source }) => {
      const blocks = pinChain(700, 'pin')
      source.hold(blocks)

      const answer = await asker.ask(giver, { roots: headsOf(blocks.at(-1)), known: [] }, { signal })
      const given = await all(answer.blocks)

      assert.deepEqual(answer.heads.map(String), texts(blocks.slice(-1)))
      assert.deepEqual(texts(given), texts(blocks).toReversed())
      assert.deepEqual(given.map(({ bytes }) => Buffer.from(bytes)), blocks.map(({ bytes }) => Buffer.from(bytes)).toReversed())
    })

    scenario('gives what is under roots and not under what is known', async ({ asker, giver, source }) => {
      const blocks = randomDag(new SeededRandom(5), 80)
      source.hold(blocks)

      const answer = await asker.ask(giver, { roots: headsOf(blocks[70]), known: headsOf(blocks[70]) }, { signal })
      const whole = await asker.ask(giver, { roots: headsOf(blocks[70]), known: [] }, { signal })

      assert.deepEqual(await all(answer.blocks), [])
      assert.equal((await all(whole.blocks))[0]?.cid.toString(), blocks[70]?.cid.toString())
    })

    scenario('tells only the heads when there are no roots', async ({ asker, giver, source }) => {
      const blocks = randomDag(new SeededRandom(7), 20)
      source.hold(blocks)

      const { heads, blocks: given } = await asker.ask(giver, nothing, { signal })

      assert.deepEqual([heads.map(String), await all(given), source.reads], [tipsOf(blocks).map(String), [], 0])
    })

    scenario('answers without heads when there are none', async ({ asker, giver }) => {
      const { heads, blocks } = await asker.ask(giver, nothing, { signal })

      assert.deepEqual([heads, await all(blocks)], [[], []])
    })

    scenario('carries the largest blocks', async ({ asker, giver, source }) => {
      const large = largeBlocks(1, 2 ** 21)
      source.hold(large)

      const { blocks } = await asker.ask(giver, { roots: headsOf(...large), known: [] }, { signal })

      assert.deepEqual(texts(await all(blocks)), texts(large))
    })

    scenario('reads no further ahead than a bounded number of bytes', async ({ asker, giver, source }) => {
      const chain = longChain()
      source.hold(chain, headsOf(chain.at(-1)))

      const { blocks, end } = await asker.ask(giver, { roots: source.heads, known: [] }, { signal })
      const reader = blocks[Symbol.asyncIterator]()
      await reader.next()
      let reads = -1
      while (reads !== source.reads) {
        reads = source.reads
        for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
      }
      end()

      assert.ok(reads < chain.length / 2, `${reads} blocks were read`)
    })

    scenario('can be left at any time, twice too', async ({ asker, giver, source }) => {
      source.hold(pinChain(2000, 'pin'))

      const answer = await asker.ask(giver, { roots: source.heads, known: [] }, { signal })
      answer.end()
      answer.end()
      const again = await asker.ask(giver, { roots: source.heads, known: [] }, { signal })

      assert.equal((await all(again.blocks)).length, 2000)
      again.end()
    })

    scenario('ends with the reason of the signal', async ({ asker, giver, source }) => {
      source.hold(longChain(), headsOf(longChain().at(-1)))
      const controller = new AbortController()
      const reason = new Error('enough')

      const { blocks } = await asker.ask(giver, { roots: source.heads, known: [] }, { signal: controller.signal })
      controller.abort(reason)

      await assert.rejects(all(blocks), error => error === reason)
      await assert.rejects(asker.ask(giver, nothing, { signal: controller.signal }), error => error === reason)
    })

    scenario('says when a peer does not speak the protocol or can not be reached', async ({ asker, stranger, nowhere }) => {
      await assert.rejects(asker.ask(stranger, nothing, { signal }), { code: 'UNSUPPORTED' })
      await assert.rejects(asker.ask(nowhere, nothing, { signal }), { code: 'PEER_UNREACHABLE' })
    })
  })
}
