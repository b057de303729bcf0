import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CID, PeerId } from '../../src/model/cid.ts'
import type { BlockExchange } from '../../src/network/network.ts'
import { encodeCrdtBlock } from '../../src/wire/crdt-block.ts'

export interface ExchangeMember {
  peer: PeerId
  exchange: BlockExchange
  /** Stores a block, so that it is served. */
  store (cid: CID, bytes: Uint8Array): void
}

/** Three peers, connected with each other. */
export interface ExchangeHarness {
  members: [ExchangeMember, ExchangeMember, ExchangeMember]
  /** Awaits while the network's time passes. */
  within<T> (promise: Promise<T>): Promise<T>
  close (): Promise<void>
}

export const blockOf = (value: string, sizeBytes = 0) =>
  encodeCrdtBlock({ elements: [{ key: `/${value}`, value: new Uint8Array(sizeBytes).fill(65) }], tombstones: [], priority: 1 }, [])

/** What a block exchange promises. */
export function blockExchangeContract (name: string, open: () => Promise<ExchangeHarness>): void {
  const scenario = (what: string, act: (harness: ExchangeHarness) => Promise<void>): void => {
    it(what, async () => {
      const harness = await open()
      try { await act(harness) } finally { await harness.close() }
    })
  }
  const never = (): { signal: AbortSignal } => ({ signal: new AbortController().signal })

  describe(`block exchange contract: ${name}`, () => {
    for (const sizeBytes of [0, 900_000]) {
      scenario(`fetches a block of ${sizeBytes} B and more from its announcer`, async ({ members: [one, two], within }) => {
        const block = blockOf('announced', sizeBytes)
        two.store(block.cid, block.bytes)

        const bytes = await within(one.exchange.fetch(block.cid, { ...never(), from: two.peer }))

        assert.ok(Buffer.from(block.bytes).equals(bytes))
      })

      scenario(`finds a block of ${sizeBytes} B and more that the announcer hasn't got, or when there is none`,
      async ({ members: [one, two, three], within }) => {
        const [first, second] = [blockOf('first', sizeBytes), blockOf('second', sizeBytes)]
        three.store(first.cid, first.bytes)
        three.store(second.cid, second.bytes)

        const fetched = await within(Promise.all([
          one.exchange.fetch(first.cid, { ...never(), from: two.peer }),
          one.exchange.fetch(second.cid, never())
        ]))

        assert.ok(Buffer.from(first.bytes).equals(fetched[0]))
        assert.ok(Buffer.from(second.bytes).equals(fetched[1]))
      })
    }

    scenario('sends a block to who waits for it once it is there', async ({ members: [one, two], within }) => {
      const block = blockOf('later')
      const fetching = one.exchange.fetch(block.cid, { ...never(), from: two.peer })

      two.store(block.cid, block.bytes)
      two.exchange.offer(block.cid, block.bytes)
      const bytes = await within(fetching)

      assert.ok(Buffer.from(block.bytes).equals(bytes))
    })

    scenario('gives the same block to all who ask for it here', async ({ members: [one, two], within }) => {
      const block = blockOf('shared')
      two.store(block.cid, block.bytes)

      const fetched = await within(Promise.all([1, 2, 3].map(async () => one.exchange.fetch(block.cid, { ...never(), from: two.peer }))))

      assert.ok(fetched.every(bytes => Buffer.from(block.bytes).equals(bytes)))
    })

    scenario('ends a fetch with the reason of its signal, and no other', async ({ members: [one, two], within }) => {
      const block = blockOf('given up')
      const [giveUp, reason] = [new AbortController(), new Error('no longer')]
      const ended = one.exchange.fetch(block.cid, { signal: giveUp.signal, from: two.peer })
      const other = one.exchange.fetch(block.cid, { ...never(), from: two.peer })

      giveUp.abort(reason)
      await assert.rejects(within(ended), reason)
      two.store(block.cid, block.bytes)
      two.exchange.offer(block.cid, block.bytes)

      assert.ok(Buffer.from(block.bytes).equals(await within(other)))
      await assert.rejects(within(one.exchange.fetch(block.cid, { signal: giveUp.signal })), reason)
    })
  })
}
