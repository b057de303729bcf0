import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PeerId } from '../../src/model/cid.ts'
import type { Broadcast, TopicMessage } from '../../src/network/network.ts'

export interface BroadcastMember { peer: PeerId, broadcast: Broadcast }

/** A network of three peers, connected with each other. */
export interface BroadcastHarness {
  members: [BroadcastMember, BroadcastMember, BroadcastMember]
  /** Resolves when the condition holds; rejects when it never does. */
  until (condition: () => boolean): Promise<void>
  /** Lets everything arrive that is under way. */
  settle (): Promise<void>
  /** Starts the network; subscriptions may come before. */
  start (): Promise<void>
  close (): Promise<void>
}

const data = (text: string): Uint8Array => new TextEncoder().encode(text)

/** What gossip promises. */
export function broadcastContract (name: string, open: () => Promise<BroadcastHarness>): void {
  const scenario = (what: string, act: (harness: BroadcastHarness) => Promise<void>): void => {
    it(what, async () => {
      const harness = await open()
      try { await act(harness) } finally { await harness.close() }
    })
  }
  const listen = ({ broadcast }: BroadcastMember, accept?: (from: PeerId) => boolean): string[] => {
    const heard: string[] = []
    broadcast.subscribe(
      'topic', (message: TopicMessage) => { heard.push(`${message.from} ${Buffer.from(message.data).toString()}`) }, accept
    )
    return heard
  }

  describe(`broadcast contract: ${name}`, () => {
    scenario('brings a message to all others, with its signer, and not back', async ({ members, until, settle, start }) => {
      const heard = members.map(member => listen(member))
      await start()
      const [one] = members

      await one.broadcast.publish('topic', data('hello'))

      await until(() => heard[1]?.length === 1 && heard[2]?.length === 1)
      await settle()
      assert.deepEqual(heard, [[], [`${one.peer} hello`], [`${one.peer} hello`]])
    })

    scenario('keeps topics apart', async ({ members, until, settle, start }) => {
      const heard = members.map(member => listen(member))
      const other: string[] = []
      for (const { broadcast } of members) broadcast.subscribe('other', message => { other.push(Buffer.from(message.data).toString()) })
      await start()

      await members[0].broadcast.publish('other', data('for the other'))
      await members[0].broadcast.publish('topic', data('for the topic'))

      await until(() => heard[1]?.length === 1 && other.length === 2)
      await settle()
      assert.deepEqual(other, ['for the other', 'for the other'])
      assert.equal(heard[1]?.length, 1)
    })

    scenario('does not deliver what a subscriber does not accept', async ({ members, until, settle, start }) => {
      const [one, two, three] = members
      listen(one)
      listen(three)
      const heard = listen(two, from => from !== one.peer)
      await start()

      await one.broadcast.publish('topic', data('refused'))
      await three.broadcast.publish('topic', data('accepted'))

      await until(() => heard.length > 0)
      await settle()
      assert.deepEqual(heard, [`${three.peer} accepted`])
    })

    scenario('ends a subscription', async ({ members, until, settle, start }) => {
      const [one, two, three] = members
      const ended: unknown[] = []
      const end = two.broadcast.subscribe('topic', message => { ended.push(message) })
      listen(one)
      const heard = listen(three)
      await start()

      end()
      await one.broadcast.publish('topic', data('later'))

      await until(() => heard.length === 1)
      await settle()
      assert.deepEqual(ended, [])
    })

    scenario('takes a message when nobody listens', async ({ members, start }) => {
      for (const member of members) listen(member)
      await start()

      await members[0].broadcast.publish('nobody', data('anybody?'))
    })
  })
}
