import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError } from '../../../../src/base/errors.ts'
import { systemClock } from '../../../../src/base/system.ts'
import type { FilesWorld } from '../../../support/service-files.ts'
import { cidOf, filesWorld, filesWorlds, stagedFolder } from '../../../support/service-files.ts'
import { eachDatabase } from '../../../support/service-database.ts'
import { addUser } from '../../../support/service-rows.ts'
import { pollUntil } from '../../../support/poll.ts'

const rejects = async (promise: Promise<unknown>, code: string): Promise<void> => {
  await assert.rejects(promise, (err: ClusterError) => err.code === code)
}

eachDatabase('files of the service', databases => {
  const { world, becomes } = filesWorlds(databases)

  describe('uploads', () => {
    it('stages what nobody has asked for yet: it counts, and nothing is pinned', async t => {
      const made = await world(t)

      const { cid, state } = await made.upload('alice', 'hello')

      assert.deepEqual([state, await made.usedBytes('alice'), await made.clusterPins.owners(), made.node.adds], ['staged', 5, {}, 0])
      assert.equal((await made.row('alice', cid)).staging_key != null, true)
    })

    it('pins what is blocks already', async t => {
      const made = await world(t)

      const { cid, state } = await made.upload('alice', 'hello', { blocks: true })

      assert.deepEqual([state, await made.clusterPins.owners()], ['pinning', { [cid]: 1 }])
    })

    it('is one file when the same bytes come again, and they count once', async t => {
      const made = await world(t)
      await made.upload('alice', 'hello', { filename: 'first' })

      const { cid } = await made.upload('alice', 'hello', { filename: 'second' })

      const { files } = await made.files.list('alice', {})
      assert.deepEqual(files.map(file => file.original_filename), ['second'])
      assert.deepEqual([await made.usedBytes('alice'), made.staging.objects.size], [5, 1])
      assert.equal((await made.row('alice', cid)).state, 'staged')
    })

    it('takes no more than the quota allows, and keeps nothing of it', async t => {
      const made = await world(t, 8)
      await made.upload('alice', 'hello')

      await rejects(made.upload('alice', 'world'), 'QUOTA_EXCEEDED')

      assert.deepEqual([await made.usedBytes('alice'), (await made.files.list('alice', {})).files.length], [5, 1])
    })

    it('refuses a group of somebody else', async t => {
      const made = await world(t)
      const { id } = await made.files.groups.create({ id: 'bob', workspace: 'w-bob' }, 'mine')

      await rejects(made.upload('alice', 'hello', { group: id }), 'NOT_FOUND')
    })
  })

  describe('imports', () => {
    it('pins a staged file on first access, and removes it from staging once it is pinned', async t => {
      const made = await world(t)
      const { cid } = await made.upload('alice', 'hello')
      const known = await made.files.access.find(cid)
      assert.ok(known != null)

      await made.files.access.begin(known)
      await becomes(made, cid, 'pinning')
      const stagedBefore = made.staging.objects.size
      await made.clusterPins.become(cid, 'pinned')

      assert.deepEqual([stagedBefore, (await made.row('alice', cid)).state, await made.clusterPins.owners()], [1, 'pinned', { [cid]: 1 }])
      await pollUntil(() => made.staging.objects.size === 0, { withinMs: 15_000, what: 'the removal from staging' })
      assert.equal((await made.row('alice', cid)).staging_key, null)
    })

    it('makes blocks once for all who have the same bytes', async t => {
      const made = await world(t)
      const { cid } = await made.upload('alice', 'hello')
      await made.upload('bob', 'hello')
      const known = await made.files.access.find(cid)

      await made.files.access.begin(known ?? { owners: [] })
      await becomes(made, cid, 'pinning')
      await becomes(made, cid, 'pinning', 'bob')

      assert.deepEqual([made.node.adds, await made.clusterPins.owners()], [1, { [cid]: 2 }])
    })

    it('lets readers wait for what is coming', async t => {
      const made = await world(t)
      const gate = Promise.withResolvers<void>()
      made.node.gate = gate.promise
      const { cid } = await made.upload('alice', 'hello')
      await made.files.access.begin(await made.files.access.find(cid) ?? { owners: [] })
      const { CID } = await import('multiformats/cid')

      const pending = made.files.access.pendingImport(CID.parse(cid))
      gate.resolve()
      await pending

      assert.ok(pending != null)
      assert.equal(made.files.access.pendingImport(CID.parse(cid)), undefined)
    })

    it('tries again what failed for now', async t => {
      const made = await world(t)
      made.node.fault = new ClusterError('IPFS_UNAVAILABLE')
      const { cid } = await made.upload('alice', 'hello', { want: true })

      await pollUntil(async () => (await made.row('alice', cid)).error != null, { what: 'the failure' })
      const { state, tries } = await made.row('alice', cid)

      assert.deepEqual([state, tries], ['importing', 1])
      await made.database.transaction(
        async tx => { await tx.updateTable('files').set({ lease_until: 0 }).where('user_id', '=', 'alice').execute() }
      )
      made.files.wake()
      await becomes(made, cid, 'pinning')
      assert.equal((await made.row('alice', cid)).error, null)
    })

    it('takes small files together, and a large one alone', async t => {
      const made = await world(t, 2 ** 23)
      const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      made.node.gate = first.promise
      await made.upload('alice', 'alone', { want: true })
      await pollUntil(() => made.node.adds === 1)
      for (const text of ['a', 'b', 'c']) await made.upload('alice', text, { want: true })
      const large = await made.upload('bob', 'x'.repeat(4 * 2 ** 20), { want: true })
      await made.upload('bob', 'behind it', { want: true })

      made.node.gate = second.promise
      first.resolve()
      await pollUntil(() => made.node.adds === 4, { what: 'the small ones' })
      const whileTheyRun = await made.row('bob', large.cid)
      second.resolve()

      await becomes(made, await cidOf('behind it'), 'pinning', 'bob')
      assert.deepEqual([whileTheyRun.lease_until, made.node.adds], [null, 6])
    })

    it('fails for good when the bytes are not those of the CID, and keeps them', async t => {
      const made = await world(t)
      const other = await cidOf('other')

      const { cid } = await made.upload('alice', 'hello', { cid: other, want: true })
      await becomes(made, cid, 'failed')

      const { error, owns_pin: owns } = await made.row('alice', cid)
      assert.deepEqual([error, owns, made.staging.objects.size], ['the staged bytes are not those of the CID', 0, 1])
    })

    it('is staged again when its owner no longer wants it, however far the import is', async t => {
      const made = await world(t)
      const gate = Promise.withResolvers<void>()
      made.node.gate = gate.promise
      const { cid } = await made.upload('alice', 'hello', { want: true })
      await pollUntil(() => made.node.adds === 1)

      const { state } = await made.files.unpin('alice', cid)
      gate.resolve()
      await made.upload('bob', 'more', { want: true, cid: await cidOf('more') })
      await becomes(made, await cidOf('more'), 'pinning', 'bob')

      assert.deepEqual(
        [state, (await made.row('alice', cid)).state, (await made.clusterPins.owners())[cid]], ['staged', 'staged', undefined]
      )
    })

    it('goes on after the process was killed in the middle of it', async t => {
      const { database } = await databases.open()
      await addUser(database, { id: 'alice', quota_bytes: 1000 })
      const first = await filesWorld({ database, clock: systemClock })
      const gate = Promise.withResolvers<void>()
      first.node.gate = gate.promise
      const { cid } = await first.upload('alice', 'hello', { want: true })
      await pollUntil(() => first.node.adds === 1)
      const before = await first.row('alice', cid)
      // what a killed process leaves: the row as it is
      void first.stop()
      if (database.kind === 'postgres') await database.transaction(
        async tx => { await tx.updateTable('files').set({ lease_until: 1 }).where('user_id', '=', 'alice').execute() }
      )

      const second = await filesWorld({ database, clock: systemClock, staging: first.staging })
      t.after(async () => {
        gate.resolve()
        await second.stop()
      })
      await becomes(second, cid, 'pinning')

      assert.deepEqual([before.state, await second.clusterPins.owners()], ['importing', { [cid]: 1 }])
    })

    it('is done by one of two peers on the same database', async t => {
      const { database } = await databases.open()
      await addUser(database, { id: 'alice' })
      const first = await filesWorld({ database, clock: systemClock })
      const { staging, node } = first
      const second = await filesWorld({ database: (await databases.another()).database, clock: systemClock, staging, node })
      t.after(async () => {
        await first.stop()
        await second.stop()
      })

      const texts = Array.from({ length: 12 }, (_, at) => `text ${at}`)
      for (const text of texts) await first.upload('alice', text)
      const cids = await Promise.all(texts.map(cidOf))
      await Promise.all(cids.map(async (cid, at) => {
        const { access } = at % 2 === 0 ? first.files : second.files
        await access.begin(await access.find(cid) ?? { owners: [] })
      }))
      for (const cid of cids) await becomes(first, cid, 'pinning')

      assert.deepEqual([node.adds, Object.values(await first.clusterPins.owners())], [12, cids.map(() => 1)])
    })

    it('reads a staged folder after its import', async t => {
      const made = await world(t)
      const { cid, sections } = await stagedFolder({ a: 'one', b: 'two' })
      await made.staging.put('folder', (async function * () { yield sections })())
      await made.database.transaction(async tx => made.files.accept(tx, {
        user: 'alice', workspace: 'w-alice', cid, kind: 'directory', filename: 'folder', contentType: '', sizeBytes: 6, group: null,
        meta: {}, stored: { kind: 'staged', key: 'folder', want: false }
      }))

      const content = await made.files.open('alice', cid)

      assert.ok(content.kind === 'tree')
      assert.deepEqual(content.node.links.map(({ Name }) => Name), ['a', 'b'])
    })
  })

  describe('pin and unpin', () => {
    const pinned = async (made: FilesWorld, content = 'hello', user = 'alice'): Promise<string> => {
      const { cid } = await made.upload(user, content, { blocks: true })
      await made.clusterPins.become(cid, 'pinned')
      return cid
    }

    it('is in conflict with a pin that is there', async t => {
      const made = await world(t)
      const cid = await pinned(made)

      await rejects(made.files.pin('alice', cid), 'CONFLICT')
    })

    it('gives its bytes back when it is unpinned, and takes them again when it is pinned', async t => {
      const made = await world(t)
      const cid = await pinned(made)

      const unpinned = await made.files.unpin('alice', cid)
      const between = [await made.usedBytes('alice'), await made.clusterPins.owners()]
      const again = await made.files.pin('alice', cid)

      assert.deepEqual([unpinned.state, between, again.state, await made.usedBytes('alice')], ['unpinned', [0, {}], 'pinning', 5])
    })

    it('does not pin again what there is no room for any more', async t => {
      const made = await world(t, 8)
      const cid = await pinned(made)
      await made.files.unpin('alice', cid)
      await made.upload('alice', 'world')

      await rejects(made.files.pin('alice', cid), 'QUOTA_EXCEEDED')

      assert.deepEqual([(await made.row('alice', cid)).state, await made.usedBytes('alice')], ['unpinned', 5])
    })

    it('unpins twice without a word', async t => {
      const made = await world(t)
      const cid = await pinned(made)
      await made.files.unpin('alice', cid)

      assert.equal((await made.files.unpin('alice', cid)).state, 'unpinned')
    })

    it('keeps the cluster\'s pin for who still wants it', async t => {
      const made = await world(t)
      const cid = await pinned(made)
      await pinned(made, 'hello', 'bob')

      await made.files.unpin('alice', cid)

      assert.deepEqual([await made.clusterPins.owners(), (await made.row('bob', cid)).state], [{ [cid]: 1 }, 'pinned'])
    })

    it('is pinned at once when the cluster has it', async t => {
      const made = await world(t)
      made.clusterPins.first = 'pinned'

      assert.equal((await made.upload('alice', 'hello', { blocks: true })).state, 'pinned')
    })

    it('finds a file under the other version of its CID', async t => {
      const made = await world(t)
      const { cid } = await made.files.fromCid({ id: 'alice', workspace: 'w-alice' }, {
        cid: 'QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR'
      })

      assert.equal((await made.row('alice', 'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi')).cid, cid)
    })
  })

  describe('what the cluster says', () => {
    it('fails, counts nothing meanwhile, and comes back by itself', async t => {
      const made = await world(t)
      const { cid } = await made.upload('alice', 'hello', { blocks: true })

      await made.clusterPins.become(cid, 'failed', { error: 'no room on any peer' })
      const failed = await made.row('alice', cid)
      const between = [await made.usedBytes('alice'), await made.clusterPins.owners()]
      await made.clusterPins.become(cid, 'pinned')

      assert.deepEqual([failed.state, failed.error, between], ['failed', 'no room on any peer', [0, { [cid]: 1 }]])
      const now = await made.row('alice', cid)
      assert.deepEqual([now.state, now.error, await made.usedBytes('alice')], ['pinned', null, 5])
    })

    it('lets go what comes back when there is no room for it any more', async t => {
      const made = await world(t, 8)
      const { cid } = await made.upload('alice', 'hello', { blocks: true })
      await made.clusterPins.become(cid, 'failed')
      await made.upload('alice', 'world')

      await made.clusterPins.become(cid, 'pinned')

      const { state, error } = await made.row('alice', cid)
      assert.deepEqual(
        [state, error, await made.clusterPins.owners(), await made.usedBytes('alice')], ['failed', 'the account is full', {}, 5]
      )
    })

    it('knows the size of what was pinned by its CID once it is here', async t => {
      const made = await world(t)
      const cid = await cidOf('hello')
      await made.files.fromCid({ id: 'alice', workspace: 'w-alice' }, { cid, filename: 'x', origins: ['/ip4/127.0.0.1/tcp/4001'] })

      await made.clusterPins.become(cid, 'pinned')
      await made.clusterPins.learn(cid, 5)

      const { size_bytes: size, state, original_filename: name } = await made.row('alice', cid)
      assert.deepEqual([size, state, name, made.clusterPins.origins.get(cid)], [5, 'pinned', 'x', ['/ip4/127.0.0.1/tcp/4001']])
    })

    it('refuses pins by CID when the account is full', async t => {
      const made = await world(t, 5)
      await made.upload('alice', 'hello')

      await rejects(made.files.fromCid({ id: 'alice', workspace: 'w-alice' }, { cid: await cidOf('other') }), 'QUOTA_EXCEEDED')
    })
  })
})
