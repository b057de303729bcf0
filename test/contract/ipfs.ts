import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { CID } from 'multiformats/cid'
import { identity } from 'multiformats/hashes/identity'
import type { Block } from '../../src/blockstore/blockstore.ts'
import type { IpfsConnector } from '../../src/ipfs/ipfs.ts'
import type { Pin } from '../../src/model/pin.ts'
import { pinOf } from '../support/pins.ts'
import type { Tree } from '../support/unixfs-blocks.ts'
import { batches, directoryBlock, rawBlock, tree } from '../support/unixfs-blocks.ts'

export interface IpfsOptionsOfTest { storageMaxBytes: number, pinTimeoutMs: number, unpinDisable: boolean }

export interface IpfsSubject {
  /** Started. */
  connector: IpfsConnector
  /** Lets the node believe that time has passed; fires no timers of the past. */
  passTime (ms: number): void
  close (): Promise<void>
}

const hour = 3_600_000

const hashes = (...blocks: Block[]): string[] => blocks.map(({ cid }) => Buffer.from(cid.multihash.bytes).toString('hex')).toSorted()

/** What an external node decides by itself. */
export interface IpfsTraits {
  /** Blocks are kept from the garbage collector by holds, and for an hour. */
  keepsBlocks: boolean
  /** No more than `storageMaxBytes` is stored. */
  limitsStorage: boolean
  /** A running pin counts each block at once and names the one it waits for. */
  tellsProgress: boolean
  /** All its pins are this peer's. */
  isOwn: boolean
}

const embedded: IpfsTraits = { keepsBlocks: true, limitsStorage: true, tellsProgress: true, isOwn: true }

/** The promises of `IpfsConnector`, for a node that is alone in its network. */
export function ipfsContract (name: string, open: (options: IpfsOptionsOfTest) => Promise<IpfsSubject>, traits = embedded): void {
  const ifKept = traits.keepsBlocks ? {} : { skip: 'this node collects as it likes' }
  const ifLimited = traits.limitsStorage ? {} : { skip: 'this node takes what comes' }

  describe(`ipfs contract: ${name}`, () => {
    let subject: IpfsSubject
    const start = async (options: Partial<IpfsOptionsOfTest> = {}): Promise<IpfsConnector> => {
      subject = await open({ storageMaxBytes: 100_000_000, pinTimeoutMs: 60_000, unpinDisable: false, ...options })
      return subject.connector
    }
    const removed = async (...wanted: Pin[]): Promise<string[]> => {
      const keys: string[] = []
      for await (const { key, error } of subject.connector.repoGc({ wanted: async function * () { yield wanted } })) {
        assert.equal(error, '')
        keys.push(Buffer.from(key?.multihash.bytes ?? []).toString('hex'))
      }
      return keys.toSorted()
    }

    afterEach(async () => { await subject.close() })

    it('says who it is once it is ready', async () => {
      const ipfs = await start()

      await ipfs.ready()
      const { id, error, addresses } = await ipfs.id()

      assert.match(id, /^12D3KooW/)
      assert.equal(error, '')
      assert.ok(Array.isArray(addresses))
      assert.deepEqual(await ipfs.swarmPeers(), [])
    })

    it('gives back blocks that were put, by any CID of their bytes', async () => {
      const ipfs = await start()
      const { all, root } = await tree()

      await ipfs.putBlocks(batches(...all))

      assert.deepEqual(await ipfs.getBlock(root.cid, { local: true }), root.bytes)
      assert.deepEqual(await ipfs.getBlock(root.cid.toV0()), root.bytes)
    })

    it('reads identity CIDs from themselves', async () => {
      const ipfs = await start()
      const cid = CID.createV1(0x55, identity.digest(new TextEncoder().encode('tiny')))

      const bytes = await ipfs.getBlock(cid, { local: true })
      await ipfs.pin(pinOf(cid))

      assert.equal(new TextDecoder().decode(bytes), 'tiny')
      assert.equal(await ipfs.pinStatus(pinOf(cid)), 'recursive')
    })

    it('rejects with BLOCK_MISSING for a block that is not here and may not be fetched', async () => {
      const ipfs = await start()
      const { leaf } = await tree()

      const asked = ipfs.getBlock(leaf.cid, { local: true })

      await assert.rejects(asked, { code: 'BLOCK_MISSING' })
    })

    it('passes on what breaks a stream of blocks', async () => {
      const ipfs = await start()
      const { leaf } = await tree()
      const broken = async function * (): AsyncGenerator<Block[]> {
        yield [leaf]
        throw new Error('the source broke')
      }

      const put = ipfs.putBlocks(broken())

      await assert.rejects(put, { message: 'the source broke' })
      assert.deepEqual(await ipfs.getBlock(leaf.cid, { local: true }), leaf.bytes)
    })

    it('pins a DAG that is here, once', async () => {
      const ipfs = await start()
      const { all, root, leaf } = await tree()
      await ipfs.putBlocks(batches(...all))

      await ipfs.pin(pinOf(root.cid))
      await ipfs.pin(pinOf(root.cid))

      const view = await ipfs.pinnedView()
      assert.equal(await ipfs.pinStatus(pinOf(root.cid)), 'recursive')
      assert.equal(view.statusOf(root.cid), 'recursive')
      assert.equal(view.statusOf(leaf.cid), 'unpinned')
      assert.equal(ipfs.pinCount(), 1)
      assert.equal(ipfs.progress(root.cid), undefined)
      await view.close()
    })

    it('makes a direct pin recursive, but not the other way round', async () => {
      const ipfs = await start()
      const { all, root } = await tree()
      await ipfs.putBlocks(batches(...all))

      await ipfs.pin(pinOf(root.cid, { maxDepth: 0 }))
      const before = await ipfs.pinStatus(pinOf(root.cid, { maxDepth: 0 }))
      await ipfs.pin(pinOf(root.cid))
      const refused = ipfs.pin(pinOf(root.cid, { maxDepth: 0 }))

      await assert.rejects(refused, { code: 'PIN_REFUSED' })
      assert.equal(before, 'direct')
      assert.equal(await ipfs.pinStatus(pinOf(root.cid)), 'recursive')
      assert.equal(await ipfs.pinStatus(pinOf(root.cid, { maxDepth: 0 })), 'recursive')
      await (await ipfs.pinnedView()).close()
      assert.equal(ipfs.pinCount(), 1)
    })

    it('needs only the root for a direct pin', async () => {
      const ipfs = await start()
      const { root } = await tree()
      await ipfs.putBlocks(batches(root))

      await ipfs.pin(pinOf(root.cid, { maxDepth: 0 }))

      assert.equal((await ipfs.pinnedView()).statusOf(root.cid), 'direct')
    })

    it('unpins, and takes what is not pinned as done', async () => {
      const ipfs = await start()
      const { all, root, leaf } = await tree()
      await ipfs.putBlocks(batches(...all))
      await ipfs.pin(pinOf(root.cid))

      await ipfs.unpin(root.cid)
      await ipfs.unpin(leaf.cid)

      assert.equal(await ipfs.pinStatus(pinOf(root.cid)), 'unpinned')
      assert.equal(ipfs.pinCount(), 0)
    })

    it('names the roots that may go without asking anybody, of every mode; none while unpinning is disabled', async () => {
      const named = async (unpinDisable: boolean): Promise<string[]> => {
        const ipfs = await start({ unpinDisable })
        const { all, root, leaf } = await tree()
        await ipfs.putBlocks(batches(...all))
        await ipfs.pin(pinOf(root.cid))
        await ipfs.pin(pinOf(leaf.cid, { maxDepth: 0 }))
        const roots: string[] = []
        for await (const cids of ipfs.ownRoots()) roots.push(...cids.map(cid => cid.toString()))
        if (!unpinDisable) await subject.close()
        return roots.toSorted()
      }
      const { root, leaf } = await tree()

      assert.deepEqual(await named(false), traits.isOwn ? [root.cid.toString(), leaf.cid.toString()].toSorted() : [])
      assert.deepEqual(await named(true), [])
    })

    it('refuses to unpin while that is disabled', async () => {
      const ipfs = await start({ unpinDisable: true })
      const { leaf } = await tree()
      await ipfs.putBlocks(batches(leaf))
      await ipfs.pin(pinOf(leaf.cid))

      const unpinned = ipfs.unpin(leaf.cid)

      await assert.rejects(unpinned, { code: 'PIN_REFUSED', message: 'ipfs unpinning is disallowed by configuration on this peer' })
      assert.equal(ipfs.pinCount(), 1)
    })

    it('collects what no root needs, an hour after it came', ifKept, async () => {
      const ipfs = await start()
      const kept = await tree('kept')
      const lost = await tree('lost')
      await ipfs.putBlocks(batches(...kept.all, ...lost.all))
      await ipfs.pin(pinOf(kept.root.cid))

      const atOnce = await removed()
      subject.passTime(hour + 60_000)
      const later = await removed()

      assert.deepEqual(atOnce, [])
      assert.deepEqual(later, hashes(...lost.all))
      assert.deepEqual(await ipfs.getBlock(kept.leaf.cid, { local: true }), kept.leaf.bytes)
    })

    it('reads nothing of the memory of blocks that were put', async () => {
      const [ipfs, { cid, bytes }] = [await start(), await rawBlock('a'.repeat(100_000))]
      const memory = Uint8Array.from(bytes)
      using hold = ipfs.hold()
      await hold.put([{ cid, bytes: memory }]).then(() => memory.fill(0))
      assert.deepEqual(Uint8Array.from(await ipfs.getBlock(cid, { local: true })), Uint8Array.from(bytes))
    })

    it('keeps for an hour what an add put that pins nothing, whether it got to its end or not', ifKept, async () => {
      const ipfs = await start()
      const [loose, broken] = [await tree('loose'), await tree('broken off')]
      const add = async ({ all }: Tree, fails: boolean): Promise<void> => {
        using hold = ipfs.hold({ isUnpinned: true })
        await hold.put(all)
        if (fails) throw new Error('the add breaks off')
      }

      await add(loose, false)
      await assert.rejects(add(broken, true))
      const held = ipfs.holdCount()
      subject.passTime(hour - 60_000)
      const withinTheHour = await removed()
      subject.passTime(120_000)
      const later = await removed()

      assert.equal(held, 0)
      assert.deepEqual([withinTheHour, later], [[], hashes(...loose.all, ...broken.all)])
    })

    it('refuses a block of another peer that is not what its CID says', async () => {
      const ipfs = await start()
      const leaf = await rawBlock('the truth')

      const put = ipfs.putBlocks(batches({ cid: leaf.cid, bytes: new TextEncoder().encode('a lie') }))

      await assert.rejects(put, { code: 'INVALID_DATA' })
      await assert.rejects(ipfs.getBlock(leaf.cid, { local: true }), { code: 'BLOCK_MISSING' })
    })

    it('keeps what an add put until its root is pinned', ifKept, async () => {
      const ipfs = await start()
      const { all, root } = await tree('held')
      const whileAdding: string[] = []
      const adding = async (): Promise<void> => {
        using hold = ipfs.hold()
        await hold.put(all)
        whileAdding.push(...await removed())
        await hold.keepUntilPinned(root.cid)
        hold.handOver([root.cid])
      }
      await adding()

      const whileWaiting = await removed()
      const held = ipfs.holdCount()
      await ipfs.pin(pinOf(root.cid))
      const whilePinned = await removed()
      await ipfs.unpin(root.cid)
      const afterwards = await removed()

      assert.deepEqual([whileAdding, whileWaiting, whilePinned], [[], [], []])
      assert.deepEqual(afterwards, hashes(...all))
      assert.deepEqual([held, ipfs.holdCount()], [1, 0])
    })

    it('makes roots at once of pins that only lack these, and keeps their blocks', async () => {
      const ipfs = await start()
      const [leaf, other, { all, root }] = [await rawBlock('whole'), await rawBlock('only its root'), await tree('below it')]
      if (ipfs.isWhole == null) return
      const absent = await rawBlock('nowhere')
      using hold = ipfs.hold()
      await hold.put([leaf, other, ...all])
      const pins = [pinOf(leaf.cid), pinOf(other.cid, { maxDepth: 0 })]
      const whole = [...pins, pinOf(absent.cid), pinOf(root.cid), pinOf(root.cid, { maxDepth: 0 })].map(pin => ipfs.isWhole?.(pin))

      await ipfs.pinWhole?.(pins)
      hold.release()
      const went = await removed()

      assert.deepEqual(whole, [true, true, false, false, true])
      assert.deepEqual(await Promise.all(pins.map(async pin => ipfs.pinStatus(pin))), ['recursive', 'direct'])
      assert.deepEqual([pins.map(pin => ipfs.isWhole?.(pin)), ipfs.pinCount()], [[false, false], 2])
      assert.deepEqual(went, hashes(...all))
    })

    it('knows at once what is no root and is not about to become one', async () => {
      const ipfs = await start()
      const leaf = await rawBlock('a root for a while')
      if (ipfs.isUnpinned == null) return
      const told = [ipfs.isUnpinned(leaf.cid)]
      using hold = ipfs.hold()
      await hold.put([leaf])
      await hold.keepUntilPinned(leaf.cid)
      hold.handOver([leaf.cid])
      told.push(ipfs.isUnpinned(leaf.cid))

      const pinning = ipfs.pin(pinOf(leaf.cid))
      told.push(ipfs.isUnpinned(leaf.cid))
      await pinning
      told.push(ipfs.isUnpinned(leaf.cid))
      const unpinning = ipfs.unpin(leaf.cid)
      told.push(ipfs.isUnpinned(leaf.cid))
      await unpinning

      assert.deepEqual([...told, ipfs.isUnpinned(leaf.cid)], [true, false, false, false, false, true])
    })

    it('keeps the blocks of an add with several roots until each is pinned; those of other peers are not waited for', ifKept, async () => {
      const ipfs = await start()
      const trees = await Promise.all(['one', 'two', 'of others'].map(tree))
      const [one, two, others] = trees.map(({ root }) => root.cid) as [CID, CID, CID]
      using hold = ipfs.hold()
      for (const { all } of trees) await hold.put(all)
      for (const root of [one, two, others]) await hold.keepUntilPinned(root)

      await ipfs.pin(pinOf(one)) // before it is handed over
      hold.handOver([one, two])
      const waiting = await removed()
      await ipfs.pin(pinOf(two))

      assert.deepEqual([waiting, ipfs.holdCount()], [[], 0])
      assert.deepEqual(await removed(), hashes(...trees[2]?.all ?? []))
    })

    it('lets the blocks of an add go whose root is not wanted any more', ifKept, async () => {
      const ipfs = await start()
      const { all, root } = await tree('not wanted')
      using hold = ipfs.hold()
      await hold.put(all)
      await hold.keepUntilPinned(root.cid)
      hold.handOver([root.cid])

      await ipfs.unpin(root.cid)

      assert.equal(ipfs.holdCount(), 0)
      assert.deepEqual(await removed(), hashes(...all))
    })

    it('collects what an add put that was given up', async () => {
      const ipfs = await start()
      const { all } = await tree('given up')
      const broken = async (): Promise<void> => {
        using hold = ipfs.hold()
        await hold.put(all)
        await hold.keepUntilPinned(all[0]?.cid as CID)
        throw new Error('the add breaks off')
      }

      await assert.rejects(broken)

      assert.equal(ipfs.holdCount(), 0)
      assert.deepEqual(await removed(), hashes(...all))
    })

    it('keeps what is wanted and whole as if it had its root, as deep as it is wanted; half a DAG goes', ifKept, async () => {
      const ipfs = await start()
      const [whole, shallow, half, single] = await Promise.all(['whole', 'shallow', 'half', 'single'].map(tree)) as [Tree, Tree, Tree, Tree]
      await ipfs.putBlocks(batches(...whole.all, ...shallow.all, half.root, half.folder, single.leaf))
      subject.passTime(hour + 60_000)

      const gone = await removed(
        pinOf(whole.root.cid), pinOf(shallow.root.cid, { maxDepth: 1 }), pinOf(half.root.cid), pinOf(single.leaf.cid, { maxDepth: 0 }),
        pinOf(single.root.cid)
      )
      await ipfs.pin(pinOf(whole.root.cid))

      assert.deepEqual(gone, hashes(shallow.leaf, half.root, half.folder))
      assert.equal(await ipfs.pinStatus(pinOf(whole.root.cid)), 'recursive')
    })

    it('keeps shared blocks as long as one root needs them', async () => {
      const ipfs = await start()
      const leaf = await rawBlock('shared')
      const [a, b] = [await directoryBlock({ a: leaf }), await directoryBlock({ b: leaf })]
      await ipfs.putBlocks(batches(leaf, a, b))
      subject.passTime(hour + 60_000)

      await ipfs.pin(pinOf(a.cid))
      await ipfs.pin(pinOf(b.cid))
      await ipfs.unpin(a.cid)
      await ipfs.pin(pinOf(a.cid))
      await ipfs.unpin(b.cid)

      assert.deepEqual(await removed(), hashes(b))
      assert.deepEqual(await ipfs.getBlock(leaf.cid, { local: true }), leaf.bytes)
    })

    it('resolves paths through directories', async () => {
      const ipfs = await start()
      const { all, root, folder, leaf } = await tree()
      await ipfs.putBlocks(batches(...all))

      const paths = [`/ipfs/${root.cid}`, `/ipfs/${root.cid}/folder`, `/ipfs/${root.cid}/folder/leaf.txt`, `/ipld/${root.cid}`]
      const resolved = await Promise.all(paths.map(async path => ipfs.resolve(path)))

      assert.deepEqual(resolved.map(String), [root, folder, leaf, root].map(({ cid }) => cid.toString()))
    })

    it('resolves a bare CID without having it', async () => {
      const ipfs = await start()
      const { root } = await tree()

      const resolved = await ipfs.resolve(`/ipfs/${root.cid}`)

      assert.equal(resolved.toString(), root.cid.toString())
    })

    it('says clearly what it can not resolve', async () => {
      const ipfs = await start()
      const { all, root } = await tree()
      await ipfs.putBlocks(batches(...all))

      const [missing, name] = [ipfs.resolve(`/ipfs/${root.cid}/nope.txt`), ipfs.resolve('/ipns/example.org')]

      await assert.rejects(missing, {
        code: 'IPFS_ERROR',
        message: `IPFS error (resolve?arg=%2Fipfs%2F${root.cid}%2Fnope.txt). Code: 500. Message: no link named "nope.txt" under ${root.cid}`
      })
      await assert.rejects(name, { code: 'IPFS_ERROR' })
    })

    it('measures its room', async () => {
      const ipfs = await start({ storageMaxBytes: 50_000_000 })
      const before = await ipfs.repoStat()

      await ipfs.putBlocks(batches(await rawBlock(new Uint8Array(300_000).fill(7))))
      const after = await ipfs.repoStat()

      assert.equal(after.storageMax, 50_000_000)
      assert.ok(after.repoSize - before.repoSize >= 300_000)
      assert.ok(after.freeBytes <= after.storageMax - after.repoSize)
    })

    it('rejects with STORAGE_FULL when there is no room', ifLimited, async () => {
      const ipfs = await start({ storageMaxBytes: 100_000 })
      const large = await rawBlock(new Uint8Array(200_000).fill(1))

      const put = ipfs.putBlocks(batches(large))

      await assert.rejects(put, { code: 'STORAGE_FULL' })
      await assert.rejects(ipfs.getBlock(large.cid, { local: true }), { code: 'BLOCK_MISSING' })
    })

    it('gives up a pin that gets no block for pin_timeout, and remembers why', async () => {
      const ipfs = await start({ pinTimeoutMs: 50 })
      const { root, leaf, folder } = await tree()
      await ipfs.putBlocks(batches(root, folder))

      const pinned = ipfs.pin(pinOf(root.cid))

      await assert.rejects(pinned, { code: 'TIMEOUT' })
      const progress = ipfs.progress(root.cid)
      assert.equal(progress?.wantedBlock?.toString(), traits.tellsProgress ? leaf.cid.toString() : undefined)
      assert.equal(progress?.blocks, traits.tellsProgress ? 2 : 0)
      assert.equal(await ipfs.pinStatus(pinOf(root.cid)), 'unpinned')
    })

    it("rejects with the signal's reason", async () => {
      const ipfs = await start()
      const { root } = await tree()
      const stop = new AbortController()

      const calls = [
        ipfs.pin(pinOf(root.cid), { signal: stop.signal }), ipfs.getBlock(root.cid, { signal: stop.signal }),
        ipfs.resolve(`/ipfs/${root.cid}/a`, { signal: stop.signal })
      ]
      stop.abort(new Error('enough'))

      for (const call of calls) await assert.rejects(call, { message: 'enough' })
    })

    it('only logs whom it can not connect to', async () => {
      const ipfs = await start()

      await ipfs.connect(['/ip4/127.0.0.1/tcp/1/p2p/12D3KooWKRyzVWW6ChFjQjK4miCty85Niy48tpPV95XdKu1BcvMA', 'nonsense'])

      assert.deepEqual(await ipfs.swarmPeers(), [])
    })
  })
}
