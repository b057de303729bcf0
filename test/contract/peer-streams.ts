import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { PeerId } from '../../src/model/cid.ts'
import type { PeerStream, PeerStreams } from '../../src/network/network.ts'
import { pollUntil } from '../support/poll.ts'

/** Two peers that can reach each other, and one that nobody reaches. */
export interface StreamsHarness {
  near: PeerStreams
  far: PeerStreams
  nearPeer: PeerId
  farPeer: PeerId
  nowhere: PeerId
  close (): Promise<void>
}

const protocol = '/test/1.0'
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function readAll (stream: PeerStream): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream.source) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const aborted = async (signal: AbortSignal): Promise<void> => pollUntil(() => signal.aborted, { everyMs: 1 })

/** What streams between peers promise. */
export function peerStreamsContract (name: string, open: () => Promise<StreamsHarness>): void {
  const scenario = (what: string, act: (harness: StreamsHarness & { taken: () => Promise<PeerStream> }) => Promise<void>): void => {
    it(what, async () => {
      const harness = await open()
      const incoming: PeerStream[] = []
      harness.far.handle(protocol, stream => { incoming.push(stream) })
      const taken = async (): Promise<PeerStream> => {
        await pollUntil(() => incoming.length > 0, { everyMs: 1 })
        return incoming.shift() as PeerStream
      }
      try { await act({ ...harness, taken }) } finally { await harness.close() }
    })
  }

  describe(`peer streams contract: ${name}`, () => {
    scenario('carries many small pieces in their order', async ({ near, farPeer, taken }) => {
      const mine = await near.open(farPeer, protocol)
      const pieces = Array.from({ length: 5000 }, (_, at) => Uint8Array.of(at & 255, at >> 8))
      const sending = (async () => {
        for (const piece of pieces) await mine.write(piece)
        await mine.closeWrite()
      })()
      const chunks: Uint8Array[] = []
      for await (const chunk of (await taken()).source) chunks.push(chunk)
      await sending

      assert.ok(Buffer.concat(chunks).equals(Buffer.concat(pieces)))
    })

    scenario('carries bytes both ways, each side ending its own direction', async ({ near, nearPeer, farPeer, taken }) => {
      const mine = await near.open(farPeer, protocol)
      await mine.write(bytes('ques'))
      await mine.write(bytes('tion'))
      await mine.closeWrite()
      const theirs = await taken()
      const question = await readAll(theirs)
      await theirs.write(bytes('answer'))
      await theirs.closeWrite()

      assert.equal(question, 'question')
      assert.equal(await readAll(mine), 'answer')
      assert.deepEqual([theirs.remote, mine.remote], [nearPeer, farPeer])
      assert.equal(mine.wasReset.aborted, false)
    })

    scenario('answers a burst of request and end that came before anybody read', async ({ near, farPeer, taken }) => {
      const mine = await near.open(farPeer, protocol)
      await mine.write(bytes('all at once'))
      await mine.closeWrite()
      const theirs = await taken()
      await aborted(theirs.remoteEnded)

      const request = await readAll(theirs)

      assert.equal(request, 'all at once')
      assert.equal(theirs.wasReset.aborted, false)
    })

    scenario('tells a half-close from a reset', async ({ near, farPeer, taken }) => {
      const [closed, reset] = [await near.open(farPeer, protocol), await near.open(farPeer, protocol)]
      await Promise.all([closed.write(bytes('1')), reset.write(bytes('2'))])
      const streams = [await taken(), await taken()]

      await closed.closeWrite()
      reset.abort(new Error('no more'))
      await Promise.all(streams.map(async stream => aborted(stream.remoteEnded)))

      await pollUntil(() => streams.filter(stream => stream.wasReset.aborted).length === 1, { everyMs: 1 })
      const failed = streams.find(stream => stream.wasReset.aborted) as PeerStream
      await assert.rejects(readAll(failed), { code: 'PEER_UNREACHABLE' })
      await assert.rejects(failed.write(bytes('too late')), { code: 'PEER_UNREACHABLE' })
    })

    scenario('makes who writes wait for who reads', async ({ near, farPeer, taken }) => {
      const chunk = new Uint8Array(256 * 1024).fill(7)
      const mine = await near.open(farPeer, protocol)
      let written = 0
      const writing = (async () => {
        for (let count = 0; count < 128; count++) {
          await mine.write(chunk)
          written++
        }
        await mine.closeWrite()
      })()
      const theirs = await taken()
      let stable = -1
      await pollUntil(() => { const same = stable === written; stable = written; return same && written > 0 }, { everyMs: 50 })
      const waiting = written
      let received = 0
      for await (const part of theirs.source) received += part.length
      await writing

      assert.ok(waiting < 64, `${waiting} chunks were written before anybody read`)
      assert.equal(received, 128 * chunk.length)
    })

    scenario('keeps every byte when a quick reader becomes a slow one', async ({ near, farPeer, taken }) => {
      const chunk = new Uint8Array(256 * 1024).fill(7)
      const mine = await near.open(farPeer, protocol)
      const writing = (async () => {
        for (let count = 0; count < 400; count++) await mine.write(chunk)
        await mine.closeWrite()
      })()
      let received = 0
      for await (const part of (await taken()).source) {
        const before = received
        received += part.length
        // now and then nothing is read for a moment
        if (Math.floor(received / 2 ** 24) > Math.floor(before / 2 ** 24)) await pause(20)
      }
      await writing

      assert.equal(received, 400 * chunk.length)
    })

    scenario('says who cannot be reached and what is not spoken', async ({ near, farPeer, nowhere }) => {
      await assert.rejects(near.open(nowhere, protocol), { code: 'PEER_UNREACHABLE' })
      await assert.rejects(near.open(farPeer, '/other/1.0'), { code: 'UNSUPPORTED' })
    })

    scenario('takes no more streams once the handler has been released', async ({ near, far, farPeer }) => {
      const release = far.handle('/short/1.0', () => {})

      release()

      await assert.rejects(async () => {
        const stream = await near.open(farPeer, '/short/1.0')
        await stream.write(bytes('hello'))
        await readAll(stream)
      })
    })
  })
}
