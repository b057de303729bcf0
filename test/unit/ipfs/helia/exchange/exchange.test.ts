import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, describe, it } from 'node:test'
import type { Block } from '../../../../../src/blockstore/blockstore.ts'
import type { HeliaInit } from '../../../../../src/ipfs/helia/connector.ts'
import type { AllocatedPeer } from '../../../../../src/ipfs/allocated-peers.ts'
import type { PinProgress } from '../../../../../src/ipfs/ipfs.ts'
import { pinOf } from '../../../../support/pins.ts'
import { batches, fileBlock, rawBlock } from '../../../../support/unixfs-blocks.ts'
import { memoryBlockstore } from '../../../../support/memory-blockstore.ts'
import { testReader } from '../../../../support/dag-reader.ts'
import { pinTimeoutMs, startHelia } from '../../../../support/helia.ts'
import type { RunningHelia } from '../../../../support/helia.ts'
import { pollUntil } from '../../../../support/poll.ts'

const running: RunningHelia[] = []

async function start (init: Partial<HeliaInit> = {}, stores: Parameters<typeof startHelia>[1] = {}): Promise<RunningHelia> {
  const helia = await startHelia(init, stores)
  running.push(helia)
  await helia.connector.ready()
  return helia
}

async function addressOf ({ connector }: RunningHelia): Promise<string> { return (await connector.id()).addresses?.[0] ?? '' }

async function holderOf (helia: RunningHelia): Promise<AllocatedPeer> {
  const { id } = await helia.connector.id()
  const address = await addressOf(helia)
  return { peer: `peer of ${id}`, id, locate: async () => ({ id, addresses: [address] }) }
}

async function file (sizeBytes: number, leafBytes = 256 * 1024): Promise<{ root: Block, leaves: Block[] }> {
  const leaves = await Promise.all(Array.from({ length: Math.ceil(sizeBytes / leafBytes) }, async () => rawBlock(randomBytes(leafBytes))))
  return { root: await fileBlock(leaves), leaves }
}

/** Lets the time for a pin pass once the other one has been asked. */
async function pinInVain (here: RunningHelia, { cid }: Block): Promise<{ code: unknown }> {
  const ended = here.connector.pin(pinOf(cid)).then(() => ({ code: undefined }), (err: { code: unknown }) => ({ code: err.code }))
  await pollUntil(() => (here.connector.progress(cid)?.peersAsked.length ?? 0) > 0)
  here.passTime(pinTimeoutMs)
  return ended
}

describe('two embedded nodes', () => {
  afterEach(async () => { await Promise.all(running.splice(0).map(async helia => helia.close())) })

  it('fetch a DAG of 5 MB from each other', async () => {
    const [here, there] = [await start(), await start()]
    const { root, leaves } = await file(5_000_000)
    await there.connector.putBlocks(batches(...leaves, root))
    await here.connector.connect([await addressOf(there)])

    const pinned = here.connector.pin(pinOf(root.cid))
    const seen: PinProgress[] = []
    await pollUntil(() => {
      const progress = here.connector.progress(root.cid)
      if (progress != null) seen.push(progress)
      return progress == null && seen.length > 0
    }, { everyMs: 1 })
    await pinned

    const last = seen.at(-1)
    assert.equal(await here.connector.pinStatus(pinOf(root.cid)), 'recursive')
    for (const { cid, bytes } of [root, ...leaves]) {
      assert.ok(Buffer.from(bytes).equals(await here.connector.getBlock(cid, { local: true })))
    }
    assert.ok(seen.some(({ wantedBlock, peersAsked }) => wantedBlock != null && peersAsked.length === 1))
    assert.equal(last?.fetchedBlocks, last?.blocks)
    assert.deepEqual(await here.connector.swarmPeers(), [(await there.connector.id()).id])
  })

  it('say the size of each block that comes for a pin, not of those that are here, and go on when they are let', async () => {
    const [here, there] = [await start({ fetchConcurrency: 1 }), await start()]
    const { root, leaves } = await file(40_000, 10_000)
    await there.connector.putBlocks(batches(...leaves, root))
    await here.connector.putBlocks(batches(...leaves.slice(0, 1)))
    await here.connector.connect([await addressOf(there)])
    const told: number[] = []
    const { promise: mayGoOn, resolve: letGoOn } = Promise.withResolvers<void>()

    const pinned = here.connector.pin(pinOf(root.cid), {
      onFetched: bytes => {
        told.push(bytes)
        return told.length === 3 ? mayGoOn : undefined
      }
    })
    await pollUntil(() => told.length === 3)
    const whilePaused = here.connector.progress(root.cid)?.phase
    letGoOn()
    await pinned

    assert.equal(whilePaused, 'fetching')
    assert.deepEqual(told.toSorted((a, b) => a - b), [root.bytes.length, 10_000, 10_000, 10_000])
  })

  it('end a pin that pauses when it is aborted', async () => {
    const [here, there] = [await start(), await start()]
    const { root, leaves } = await file(20_000, 10_000)
    await there.connector.putBlocks(batches(...leaves, root))
    await here.connector.connect([await addressOf(there)])
    const abort = new AbortController()
    const { promise: paused, resolve } = Promise.withResolvers<void>()

    const pinned = here.connector.pin(pinOf(root.cid), {
      signal: abort.signal,
      onFetched: async (_, signal) => {
        resolve()
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
      }
    })
    await paused
    abort.abort(new Error('enough'))

    await assert.rejects(pinned, /enough/)
    assert.equal(await here.connector.pinStatus(pinOf(root.cid)), 'unpinned')
  })

  it('dial the origins of a pin', async () => {
    const [here, there] = [await start(), await start()]
    const { root, leaves } = await file(10_000)
    await there.connector.putBlocks(batches(...leaves, root))

    await here.connector.pin(pinOf(root.cid, { origins: [await addressOf(there)] }))

    assert.equal(await here.connector.pinStatus(pinOf(root.cid)), 'recursive')
  })

  it('send a block to who waits for it as soon as it is here', async () => {
    const [here, there] = [await start(), await start()]
    const { root, leaves } = await file(10_000)
    await here.connector.connect([await addressOf(there)])
    const pinned = here.connector.pin(pinOf(root.cid))
    await pollUntil(() => (here.connector.progress(root.cid)?.peersAsked.length ?? 0) > 0)

    await there.connector.putBlocks(batches(...leaves, root))
    await pinned

    assert.equal(await here.connector.pinStatus(pinOf(root.cid)), 'recursive')
  })

  it('give up when nobody has the content, and say who was asked', async () => {
    const [here, there] = [await start(), await start()]
    const { root } = await file(10_000)
    await here.connector.connect([await addressOf(there)])

    const given = await pinInVain(here, root)

    assert.deepEqual(given, { code: 'TIMEOUT' })
    assert.deepEqual(here.connector.progress(root.cid)?.peersAsked, [(await there.connector.id()).id])
  })

  it('ask again for what was given up before', async () => {
    const [here, there] = [await start(), await start()]
    const { root, leaves } = await file(10_000)
    await here.connector.connect([await addressOf(there)])
    await pinInVain(here, root)
    await there.connector.putBlocks(batches(...leaves, root))

    await here.connector.pin(pinOf(root.cid))

    assert.equal(await here.connector.pinStatus(pinOf(root.cid)), 'recursive')
  })

  it('ask those who hold a pin first, connect to them, and leave the others alone', async () => {
    const store = memoryBlockstore()
    let asked = 0
    const get = store.get.bind(store)
    const noting = Object.assign(store, { get: async (...args: Parameters<typeof get>) => {
      asked++
      return get(...args)
    } })
    const [holder, other] = [await start(), await start({}, { blockstore: noting })]
    const { root, leaves } = await file(2_000_000)
    for (const one of [holder, other]) await one.connector.putBlocks(batches(...leaves, root))
    const asHolder = await holderOf(holder)
    const here = await start(
      {}, { allocatedPeersOf: cid => ({ list: cid.equals(root.cid) ? [asHolder] : [], mayGrow: false, isGuess: false }) }
    )
    await here.connector.connect([await addressOf(other)])
    asked = 0

    const { signal } = new AbortController()
    const options = { signal, root: root.cid, untilNobody: true }
    const node = await testReader.readNode(root.cid, async cid => here.connector.getBlock(cid, options))
    let bytes = 0
    for await (
      const piece of testReader.readFile(
        node, async cid => here.connector.getBlock(cid, options), { prefetch: cid => here.connector.prefetch?.(cid, options) }
      )
    ) bytes += piece.length

    assert.equal(bytes, leaves.length * 256 * 1024)
    assert.deepEqual(await here.connector.swarmPeers(), [(await holder.connector.id()).id, (await other.connector.id()).id].toSorted())
    assert.equal(asked, 0)
  })

  it('get what a holder has as one stream, without bitswap', async () => {
    const holder = await start()
    const { root, leaves } = await file(3_000_000)
    await holder.connector.putBlocks(batches(...leaves, root))
    const asHolder = await holderOf(holder)
    const here = await start({}, { allocatedPeersOf: () => ({ list: [asHolder], mayGrow: false, isGuess: false }) })
    const { signal } = new AbortController()
    const options = { signal, root: root.cid }

    const got = await Promise.all(leaves.map(async ({ cid }) => here.connector.getBlock(cid, options)))

    for (const [at, bytes] of got.entries()) assert.ok(Buffer.from(bytes).equals(leaves[at]?.bytes as Uint8Array))
    for (const { connector } of [holder, here]) assert.ok(connector.protocols?.().includes('/helia-cluster/blocks/1.0.0'))
  })

  it('ask the others when who should hold it does not', async () => {
    const [holder, other] = [await start(), await start()]
    const { root, leaves } = await file(10_000)
    await other.connector.putBlocks(batches(...leaves, root))
    const asHolder = await holderOf(holder)
    const here = await start({}, { allocatedPeersOf: () => ({ list: [asHolder], mayGrow: false, isGuess: false }) })
    await here.connector.connect([await addressOf(other)])

    const bytes = await here.connector.getBlock(root.cid, { root: root.cid })

    assert.ok(Buffer.from(bytes).equals(root.bytes))
  })

  it('wait for who is said to have a block and can not be asked yet, before they tell that nobody has it', async () => {
    const holder = await start()
    const { root, leaves } = await file(10_000)
    await holder.connector.putBlocks(batches(...leaves, root))
    const asHolder = await holderOf(holder)
    let asked = 0
    const locate: AllocatedPeer['locate'] = async options => {
      if (++asked < 3) throw new Error('the peer does not know its node yet')
      return asHolder.locate(options)
    }
    const here = await start(
      {}, { allocatedPeersOf: () => ({ list: [{ ...asHolder, id: undefined, locate }], mayGrow: false, isGuess: false }) }
    )

    const bytes = await here.connector.getBlock(root.cid, { root: root.cid, untilNobody: true })

    assert.ok(Buffer.from(bytes).equals(root.bytes))
    assert.equal(asked, 3)
  })

  it('tell that nobody has a block when who is said to have it lacks it', async () => {
    const holder = await start()
    const { root } = await file(10_000)
    const asHolder = await holderOf(holder)
    const here = await start({}, { allocatedPeersOf: () => ({ list: [asHolder], mayGrow: false, isGuess: false }) })

    await assert.rejects(here.connector.getBlock(root.cid, { root: root.cid, untilNobody: true }), { code: 'NO_PROVIDER' })
  })

  it('tell at once when nobody has a block', async () => {
    const [alone, here, there] = [await start(), await start(), await start()]
    const { root } = await file(10_000)
    await here.connector.connect([await addressOf(there)])

    for (const { connector } of [alone, here]) {
      await assert.rejects(connector.getBlock(root.cid, { untilNobody: true }), { code: 'NO_PROVIDER' })
    }
  })

  it('fail a pin that finds no room', async () => {
    const [here, there] = [await start({ storageMaxBytes: 400_000 }), await start()]
    const { root, leaves } = await file(1_000_000)
    await there.connector.putBlocks(batches(...leaves, root))
    await here.connector.connect([await addressOf(there)])

    const pinned = here.connector.pin(pinOf(root.cid))

    await assert.rejects(pinned, { code: 'STORAGE_FULL' })
    assert.equal(await here.connector.pinStatus(pinOf(root.cid)), 'unpinned')
  })
})
