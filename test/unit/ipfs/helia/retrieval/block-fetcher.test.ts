import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { CID } from 'multiformats/cid'
import { ClusterError } from '../../../../../src/base/errors.ts'
import { silentLogger } from '../../../../../src/base/log.ts'
import { memoryBlockstore } from '../../../../support/memory-blockstore.ts'
import { BlockFetcher } from '../../../../../src/ipfs/helia/retrieval/block-fetcher.ts'
import type { IpfsNetwork } from '../../../../../src/ipfs/helia/network/node.ts'
import { rawBlock } from '../../../../support/unixfs-blocks.ts'
import { SimClock } from '../../../../support/sim-clock.ts'

interface Want {
  cid: CID, signal: AbortSignal, first: readonly string[] | undefined, give: (bytes: Uint8Array) => void, lack: (peer: string) => void
}

let clock: SimClock
let wants: Want[]
let searches: number
let found: number
let askable: string[]
let askedAgain: string[]
let full: boolean
let fetcher: BlockFetcher
const blockstore = memoryBlockstore()
const { signal } = new AbortController()
const block = await rawBlock('wanted')

const network: Partial<IpfsNetwork> = {
  peers: () => ['peer'],
  announce: () => {},
  askable: () => askable,
  askAgain: (_cid, peers) => { askedAgain.push(...peers) },
  connectToProviders: async () => {
    searches++
    return found
  },
  want: async (cid, options) => new Promise((resolve, reject) => {
    wants.push({ cid, signal: options.signal, first: options.first, give: resolve, lack: peer => options.onLacking?.(peer) })
    options.signal.addEventListener('abort', () => reject(options.signal.reason))
  })
}

describe('block fetcher', () => {
  beforeEach(async () => {
    clock = new SimClock()
    wants = []
    searches = 0
    found = 1
    askable = ['peer']
    askedAgain = []
    full = false
    await blockstore.start(signal)
    await blockstore.delete([block.cid])
    fetcher = new BlockFetcher({ searchAfterMs: 1000, retryMs: 30_000 }, {
      blockstore,
      network: network as IpfsNetwork,
      networkReady: async () => {},
      ensureRoom: async () => { if (full) throw new ClusterError('STORAGE_FULL') },
      refuse: () => {},
      clock,
      log: silentLogger
    })
  })

  it('asks once for all who wait, and stores what comes', async () => {
    const [one, two] = [fetcher.fetch(block.cid, { signal }), fetcher.fetch(block.cid.toV1(), { signal })]
    await clock.settle()

    wants[0]?.give(block.bytes)

    assert.deepEqual(await Promise.all([one, two]), [block.bytes, block.bytes])
    assert.equal(wants.length, 1)
    assert.equal(blockstore.has(block.cid), true)
    assert.equal(fetcher.flight(block.cid), undefined)
  })

  it('looks for providers when nobody answers, and renews the want', async () => {
    const fetched = fetcher.fetch(block.cid, { signal })
    await clock.advance(900)
    const early = searches

    await clock.advance(40_000)
    const again = wants.length
    wants.at(-1)?.give(block.bytes)
    await fetched

    assert.equal(early, 0)
    assert.equal(searches, 2)
    assert.equal(again, 2)
    assert.equal(wants[0]?.signal.aborted, true)
  })

  it('gives up the want when the last one who waits has left', async () => {
    const [first, second] = [new AbortController(), new AbortController()]
    const fetches = [first, second].map(async ({ signal }) => fetcher.fetch(block.cid, { signal }))
    const settled = Promise.allSettled(fetches)
    await clock.settle()

    first.abort(new Error('left'))
    await clock.settle()
    const afterFirst = wants[0]?.signal.aborted
    second.abort(new Error('left'))
    await settled

    assert.equal(afterFirst, false)
    assert.equal(wants[0]?.signal.aborted, true)
    assert.equal(fetcher.flight(block.cid), undefined)
  })

  it('lets the engine forget a want before it asks again', async () => {
    const left = new AbortController()
    const first = fetcher.fetch(block.cid, { signal: left.signal })
    await clock.settle()
    left.abort(new Error('left'))
    await assert.rejects(first, { message: 'left' })

    const second = fetcher.fetch(block.cid, { signal })
    await clock.settle()
    const atOnce = wants.length
    await clock.advance(100)
    wants.at(-1)?.give(block.bytes)
    await second

    assert.equal(atOnce, 1)
    assert.equal(wants.length, 2)
  })

  it('tells who wants to know when everybody lacks the block and nobody else is found, and goes on for the others', async () => {
    found = 0
    const patient = fetcher.fetch(block.cid, { signal })
    const asked = fetcher.fetch(block.cid, { signal, untilNobody: true })
    const refused = assert.rejects(asked, { code: 'NO_PROVIDER' })
    await clock.settle()
    wants[0]?.lack('peer')
    await clock.settle()
    const beforeSearch = fetcher.flight(block.cid)

    await clock.advance(1500)
    await refused
    wants[0]?.give(block.bytes)

    assert.notEqual(beforeSearch, undefined)
    assert.deepEqual(await patient, block.bytes)
  })

  it('says that nobody has a block when all lack it, or are silent for long, and a search has found nobody', async () => {
    found = 0
    const lackOf = (): unknown => fetcher.flight(block.cid)?.lack
    const fetched = fetcher.fetch(block.cid, { signal })
    await clock.settle()
    const atFirst = lackOf()

    await clock.advance(1500)
    const silent = lackOf()
    wants[0]?.lack('peer')
    const lacking = lackOf()
    askable = ['peer', 'newcomer']
    const withNewcomer = lackOf()
    await clock.advance(30_000)
    const afterLong = lackOf()
    found = 1
    await clock.advance(30_000)
    const withProvider = lackOf()
    wants.at(-1)?.give(block.bytes)
    await fetched

    assert.deepEqual(
      [atFirst, silent, lacking, withNewcomer, afterLong, withProvider], [null, null, 'no_providers', null, 'no_providers', null]
    )
  })

  it('says that nobody is connected', async () => {
    found = 0
    askable = []
    const fetched = fetcher.fetch(block.cid, { signal })

    await clock.advance(1500)
    const { lack } = fetcher.flight(block.cid) ?? {}
    wants[0]?.give(block.bytes)
    await fetched

    assert.equal(lack, 'no_peers')
  })

  it('asks peers that have not answered once more, and waits for them', async () => {
    found = 0
    askable = ['peer', 'slow']
    const slow = fetcher.fetch(block.cid, { signal, untilNobody: true })
    await clock.settle()
    wants[0]?.lack('peer')

    await clock.advance(20_000)
    wants[0]?.give(block.bytes)

    assert.deepEqual(await slow, block.bytes)
    assert.deepEqual(askedAgain, ['slow'])
  })

  it('waits for those who are said to have it before it tells that nobody has', async () => {
    found = 0
    const connected = Promise.withResolvers<void>()
    let expectations = 0
    const expected = async (): Promise<void> => {
      expectations++
      await connected.promise
    }
    const late = fetcher.fetch(block.cid, { signal, untilNobody: true, expected })
    await clock.settle()
    const beforeAllLack = expectations
    wants[0]?.lack('peer')
    await clock.advance(20_000)
    askable.push('holder')

    connected.resolve()
    await clock.settle()
    wants[0]?.give(block.bytes)

    assert.deepEqual(await late, block.bytes)
    assert.deepEqual([beforeAllLack, expectations], [0, 1])
    assert.deepEqual(askedAgain, ['holder'])
  })

  it('tells that nobody has it when those who are said to, once connected, lack it', async () => {
    found = 0
    const connected = Promise.withResolvers<void>()
    const fetched = fetcher.fetch(block.cid, { signal, untilNobody: true, expected: async () => connected.promise })
    const refused = assert.rejects(fetched, { code: 'NO_PROVIDER' })
    await clock.settle()
    wants[0]?.lack('peer')
    await clock.advance(1500)
    askable.push('holder')
    connected.resolve()
    await clock.settle()

    wants[0]?.lack('holder')

    await refused
  })

  it('tells that nobody has it when nobody is to be expected any more', async () => {
    found = 0
    const fetched = fetcher.fetch(block.cid, {
      signal, untilNobody: true, expected: async () => { throw new Error('the network is not up') }
    })
    const refused = assert.rejects(fetched, { code: 'NO_PROVIDER' })
    await clock.settle()
    wants[0]?.lack('peer')

    await clock.advance(1500)

    await refused
  })

  it('hands on who is to be asked first', async () => {
    const fetched = fetcher.fetch(block.cid, { signal, first: ['holder'] })
    await clock.settle()

    wants[0]?.give(block.bytes)
    await fetched

    assert.deepEqual(wants.map(({ first }) => first), [['holder']])
  })

  it('takes what has landed since the caller looked', async () => {
    await blockstore.put([block])

    const bytes = await fetcher.fetch(block.cid, { signal })

    assert.deepEqual(bytes, block.bytes)
    assert.equal(wants.length, 0)
  })

  it('rejects when there is no room, unless the block may stay out', async () => {
    full = true
    const stored = fetcher.fetch(block.cid, { signal })
    const passing = fetcher.fetch(block.cid, { signal, mayStayOut: true })
    await clock.settle()

    wants[0]?.give(block.bytes)

    await assert.rejects(stored, { code: 'STORAGE_FULL' })
    assert.deepEqual(await passing, block.bytes)
    assert.equal(blockstore.has(block.cid), false)
  })

  it('asks for no more blocks at a time than other peers keep wants', async () => {
    const many = await Promise.all(Array.from({ length: 600 }, async (_, n) => rawBlock(`block ${n}`)))
    const fetches = many.map(async ({ cid }) => fetcher.fetch(cid, { signal }))
    await clock.settle()
    const atOnce = wants.length

    for (const [n, { bytes }] of many.entries()) {
      wants[n]?.give(bytes)
      await clock.settle()
    }
    await Promise.all(fetches)

    assert.equal(atOnce, 384)
  })

  it('takes back no want whose block may be on its way on a slow link, although others wait', async () => {
    const many = await Promise.all(Array.from({ length: 600 }, async (_, n) => rawBlock(`slow ${n}`)))
    const fetches = many.map(async ({ cid }) => fetcher.fetch(cid, { signal }))
    await clock.settle()

    // one block in 12 s, the oldest want first
    for (const n of [0, 1]) {
      await clock.advance(6000)
      const want = wants.find(({ signal, cid }) => !signal.aborted && !blockstore.has(cid))
      await clock.advance(6000)
      assert.equal(want?.signal.aborted, false, `the want ${n} is taken back before its block is here`)
      want?.give(many.find(({ cid }) => cid.equals(want.cid))?.bytes ?? new Uint8Array(0))
    }
    fetcher.stop(new Error('enough'))
    await Promise.allSettled(fetches)
  })

  it('has wants that everybody lacks, or nobody answers, take turns, apart from those that come quickly', async () => {
    const stuck = new AbortController()
    const absent = await Promise.all(Array.from({ length: 1500 }, async (_, n) => (await rawBlock(`absent ${n}`)).cid))
    const waiting = Promise.allSettled(absent.map(async cid => fetcher.fetch(cid, { signal: stuck.signal })))
    const open = (): Want[] => wants.filter(want => !want.signal.aborted)
    await clock.settle()
    for (const want of open()) want.lack('peer')
    const turnsBefore = wants.length
    await clock.advance(6000)
    const turnsAfter = wants.length
    await clock.advance(54_000)
    const isAsked = absent.map(cid => wants.some(want => want.cid.equals(cid)))

    const fetched = fetcher.fetch(block.cid, { signal })
    await clock.settle()
    const mine = open().find(want => want.cid.equals(block.cid))
    const openWants = open().length
    mine?.give(block.bytes)

    assert.deepEqual(await fetched, block.bytes)
    assert.ok(isAsked.every(Boolean))
    assert.deepEqual([turnsBefore, turnsAfter], [384, 896])
    assert.ok(openWants <= 512, `${openWants} open`)
    const before = wants.length
    await clock.advance(45_000)
    assert.ok(wants.length > before + 128)
    stuck.abort(new Error('enough'))
    await waiting
  })

  it('ends with its owner', async () => {
    const fetched = fetcher.fetch(block.cid, { signal })
    await clock.settle()

    fetcher.stop(new Error('the node stops'))

    await assert.rejects(fetched, { message: 'the node stops' })
  })
})
