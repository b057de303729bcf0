import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { beforeEach, describe, it } from 'node:test'
import type { CID } from 'multiformats/cid'
import { silentLogger } from '../../../../../src/base/log.ts'
import type { Block } from '../../../../../src/blockstore/blockstore.ts'
import { BlockLines } from '../../../../../src/ipfs/helia/exchange/block-lines.ts'
import { BlockServer } from '../../../../../src/ipfs/helia/exchange/block-server.ts'
import { answerHead, askFrames, maxAsked } from '../../../../../src/wire/block-answers.ts'
import { numberedBlock, numberedBlocks } from '../../../../support/blocks.ts'
import { quietMs } from '../../../../support/poll.ts'
import { pairedStreams } from '../../../../support/stream-pair.ts'
import type { PairedStream } from '../../../../support/stream-pair.ts'
import { SimClock } from '../../../../support/sim-clock.ts'

const { signal } = new AbortController()
const keyOf = ({ multihash }: CID): string => Buffer.from(multihash.bytes).toString('hex')

let clock: SimClock
/** What peers have. A peer that isn't here doesn't speak the protocol. */
let peers: Map<string, Map<string, Uint8Array>>
let opened: string[]
/** The peers' ends. */
let ends: PairedStream[]
let read: number
/** Answers in place of a server. */
let answering: ((end: PairedStream) => void) | undefined
let lines: BlockLines
let server: BlockServer

const have = (peer: string, ...blocks: Block[]): void => { for (const { cid, bytes } of blocks) peers.get(peer)?.set(keyOf(cid), bytes) }
async function settle (): Promise<void> { for (let turn = 0; turn < 8; turn++) await nextTurn() }

function serverOf (peer: string): BlockServer {
  return new BlockServer({ stallMs: 1000, maxStreams: 2 }, {
    blocks: async cid => {
      read++
      return peers.get(peer)?.get(keyOf(cid))
    },
    clock,
    log: silentLogger
  })
}

describe('blocks that are asked for one after the other', { timeout: quietMs(10_000) }, () => {
  beforeEach(() => {
    clock = new SimClock()
    peers = new Map([['left', new Map()], ['right', new Map()]])
    opened = []
    ends = []
    read = 0
    answering = undefined
    server = serverOf('left')
    lines = new BlockLines({ quietMs: 2000, idleMs: 30_000, restMs: 600_000 }, {
      open: async peer => {
        opened.push(peer)
        if (!peers.has(peer)) return undefined
        const [ours, theirs] = pairedStreams()
        ends.push(theirs)
        if (answering == null) (peer === 'left' ? server : serverOf(peer)).serve(theirs.asStream)
        else theirs.addEventListener('message', () => answering?.(theirs))
        return ours.asStream
      },
      clock,
      log: silentLogger
    })
  })

  it('come in any number on one stream, those that are not there too', async () => {
    const blocks = numberedBlocks(300, 1000)
    have('left', ...blocks.slice(0, 299))

    const got = await Promise.all(blocks.map(async ({ cid }) => lines.ask(cid, ['left'], { signal })))

    assert.deepEqual(got.slice(0, 299).map(bytes => Buffer.from(bytes ?? [])), blocks.slice(0, 299).map(({ bytes }) => Buffer.from(bytes)))
    assert.equal(got[299], undefined)
    assert.deepEqual(opened, ['left'])
  })

  it('come from all who have them, and from the next one when one lacks them', async () => {
    const blocks = numberedBlocks(10)
    have('left', ...blocks)
    have('right', ...blocks.slice(0, 5))
    const asked: string[] = []

    const got = await Promise.all(
      blocks.map(async ({ cid }) => lines.ask(cid, ['left', 'right'], { signal, onAsked: peer => asked.push(peer) }))
    )

    assert.ok(got.every(bytes => bytes != null))
    assert.deepEqual(asked.slice(0, 4), ['left', 'right', 'left', 'right'])
    assert.deepEqual(opened.toSorted(), ['left', 'right'])
  })

  it('are not asked for again of a peer that does not speak the protocol, before some time has passed', async () => {
    const { cid } = numberedBlock(1)

    assert.equal(await lines.ask(cid, ['kubo'], { signal }), undefined)
    assert.equal(await lines.ask(cid, ['kubo'], { signal }), undefined)
    await clock.advance(600_001)
    await lines.ask(cid, ['kubo'], { signal })

    assert.deepEqual(opened, ['kubo', 'kubo'])
  })

  it('are not taken when they are others than those that were asked for, and the peer is not asked again', async () => {
    const [wanted, other] = [numberedBlock(1), numberedBlock(2)]
    peers.get('left')?.set(keyOf(wanted.cid), other.bytes)

    assert.equal(await lines.ask(wanted.cid, ['left'], { signal }), undefined)
    assert.equal(await lines.ask(wanted.cid, ['left'], { signal }), undefined)

    assert.equal(opened.length, 1)
  })

  it('are not taken when nobody asked for them', async () => {
    const [wanted, other] = [numberedBlock(1), numberedBlock(2)]
    answering = end => {
      for (const { bytes } of [wanted, other]) end.send(Buffer.concat([answerHead(bytes), bytes]))
    }

    assert.deepEqual(Buffer.from(await lines.ask(wanted.cid, ['left'], { signal }) ?? []), Buffer.from(wanted.bytes))
    await settle()

    assert.equal(ends[0]?.status, 'open')
    assert.equal(await lines.ask(wanted.cid, ['left'], { signal }), undefined)
  })

  it('are waited for as long as something comes, and no longer', async () => {
    const { cid, bytes } = numberedBlock(1, 4000)
    answering = () => {}
    const slow = lines.ask(cid, ['left'], { signal })
    await settle()
    const message = Buffer.concat([answerHead(bytes), bytes])
    for (let at = 0; at < message.length; at += 1001) {
      await clock.advance(1900)
      ends[0]?.send(message.subarray(at, at + 1001))
      await settle()
    }
    const silent = lines.ask(cid, ['left'], { signal })

    await clock.advance(2100)

    assert.deepEqual(Buffer.from(await slow ?? []), Buffer.from(bytes))
    assert.equal(await silent, undefined)
    await settle()
    assert.equal(ends[0]?.status, 'aborted')
  })

  it('are taken back when nobody waits for any of them', async () => {
    answering = () => {}
    const leaving = new AbortController()
    const asks = numberedBlocks(3).map(async ({ cid }) => lines.ask(cid, ['left'], { signal: leaving.signal }))
    await settle()

    leaving.abort(new Error('left'))

    for (const ask of asks) await assert.rejects(ask, { message: 'left' })
    await settle()
    assert.equal(ends[0]?.status, 'aborted')
  })

  it('still come for who waits when others have left', async () => {
    const blocks = numberedBlocks(3)
    have('left', ...blocks)
    const leaving = new AbortController()
    const left = lines.ask(blocks[0]?.cid as CID, ['left'], { signal: leaving.signal })
    const waiting = lines.ask(blocks[1]?.cid as CID, ['left'], { signal })
    leaving.abort(new Error('left'))

    await assert.rejects(left, { message: 'left' })

    assert.deepEqual(Buffer.from(await waiting ?? []), Buffer.from(blocks[1]?.bytes ?? []))
  })

  it('leave no stream open for long on which nothing is asked', async () => {
    const block = numberedBlock(1)
    have('left', block)
    await lines.ask(block.cid, ['left'], { signal })

    await clock.advance(33_000)
    await settle()
    await lines.ask(block.cid, ['left'], { signal })

    assert.deepEqual(opened, ['left', 'left'])
    assert.equal(ends[0]?.status, 'closed')
  })
})

describe('giving blocks one after the other', { timeout: quietMs(10_000) }, () => {
  const asking = (): PairedStream => {
    const [ours, theirs] = pairedStreams()
    ends.push(theirs)
    server.serve(theirs.asStream)
    return ours
  }

  beforeEach(() => {
    clock = new SimClock()
    peers = new Map([['left', new Map()]])
    ends = []
    read = 0
    server = serverOf('left')
  })

  it('reads no further than what the peer takes, and leaves one that takes nothing', async () => {
    const blocks = numberedBlocks(100, 1000)
    have('left', ...blocks)
    const stream = asking()
    ;(ends[0] as PairedStream).hasRoom = false
    stream.send(askFrames(blocks.map(({ cid }) => cid.multihash.bytes)))
    await settle()
    const before = read

    await clock.advance(1100)

    assert.ok(before <= 3, `${before} read`)
    assert.equal(ends[0]?.status, 'aborted')
  })

  it('goes on when the peer has caught up', async () => {
    const blocks = numberedBlocks(20, 1000)
    have('left', ...blocks)
    const stream = asking()
    let bytes = 0
    stream.addEventListener('message', event => { bytes += (event as unknown as { data: Uint8Array }).data.length })
    ;(ends[0] as PairedStream).hasRoom = false
    stream.send(askFrames(blocks.map(({ cid }) => cid.multihash.bytes)))
    await settle()

    ends[0]?.drain()
    await settle()
    await settle()
    await settle()
    await settle()

    assert.equal(bytes, 20 * 1004)
  })

  it('answers everything that was asked before the peer closed, then closes too', async () => {
    const block = numberedBlock(1)
    have('left', block)
    const stream = asking()
    let bytes = 0
    stream.addEventListener('message', event => { bytes += (event as unknown as { data: Uint8Array }).data.length })
    stream.send(askFrames([block.cid.multihash.bytes]))
    await stream.close()

    await settle()

    assert.equal(ends[0]?.status, 'closed')
    assert.equal(bytes, 4 + block.bytes.length)
  })

  for (const [what, bytes] of [
    ['no multihash', Buffer.from([3, 1, 2, 3])],
    ['a multihash that is too long', Buffer.from([255, 127])],
    ['too many blocks at once', askFrames(numberedBlocks(maxAsked + 10).map(({ cid }) => cid.multihash.bytes))]
  ] as const) {
    it(`ends a stream that asks for ${what}`, async () => {
      const stream = asking()

      stream.send(bytes)
      await settle()

      assert.equal(ends[0]?.status, 'aborted')
    })
  }

  it('serves so many streams at a time', async () => {
    const streams = [asking(), asking(), asking()]
    await settle()
    const refused = ends[2]?.status
    streams[0]?.abort(new Error('gone'))
    await settle()

    asking()
    await settle()

    assert.deepEqual([refused, ends[3]?.status], ['aborted', 'open'])
  })
})
