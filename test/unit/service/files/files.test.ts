import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError } from '../../../../src/base/errors.ts'
import { systemClock } from '../../../../src/base/system.ts'
import type { FilesWorld } from '../../../support/service-files.ts'
import { cidOf, filesWorld, stagedFolder } from '../../../support/service-files.ts'
import { eachDatabase } from '../../../support/service-database.ts'
import { addUser } from '../../../support/service-rows.ts'
import { pollUntil } from '../../../support/poll.ts'

const rejects = async (promise: Promise<unknown>, code: string): Promise<void> => {
  await assert.rejects(promise, (err: ClusterError) => err.code === code)
}
const text = async (source: AsyncIterable<Uint8Array>): Promise<string> => Buffer.concat(await Array.fromAsync(source)).toString()

eachDatabase('files of the service', databases => {
  const world = async (context: { after: (done: () => Promise<void>) => void }, quotaBytes = 10_000): Promise<FilesWorld> => {
    const { database } = await databases.open()
    for (const id of ['alice', 'bob']) await addUser(database, { id, quota_bytes: quotaBytes })
    const made = await filesWorld({ database, clock: systemClock })
    context.after(async () => made.stop())
    return made
  }
  const becomes = async ({ row }: FilesWorld, cid: string, state: string, user = 'alice'): Promise<void> =>
    pollUntil(async () => (await row(user, cid)).state === state, { everyMs: 5, withinMs: 5000, what: `${cid} ${state}` })

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

      const coming = made.files.access.coming(CID.parse(cid))
      gate.resolve()
      await coming

      assert.ok(coming != null)
      assert.equal(made.files.access.coming(CID.parse(cid)), undefined)
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
        user: 'alice', workspace: 'w-alice', cid, kind: 'directory', filename: 'folder', contentType: '', sizeBytes: 6, group: null, meta: {}, stored: { kind: 'staged', key: 'folder', want: false }
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

  describe('pins of the Pinning Service API', () => {
    it('are in the list while there are some, and count nothing of their own', async t => {
      const made = await world(t)
      const cid = await cidOf('pinned elsewhere')

      await made.pins.make(made.database, { user: 'alice', cid, name: 'first' })
      await made.pins.make(made.database, { user: 'alice', cid, name: 'second', status: 'pinned' })
      const { files } = await made.files.list('alice', {})

      assert.deepEqual(files.map(file => [file.original_filename, file.state, file.origin]), [['second', 'pinned', 'pins']])
      assert.deepEqual([await made.clusterPins.owners(), (await made.files.list('bob', {})).files], [{}, []])
    })

    it('have a file imported that is only staged', async t => {
      const made = await world(t)
      const { cid } = await made.upload('alice', 'hello')

      await made.pins.make(made.database, { user: 'alice', cid, name: 'mine' })
      made.files.wake()
      await becomes(made, cid, 'pinning')

      assert.deepEqual([(await made.row('alice', cid)).origin, await made.clusterPins.owners()], ['upload', { [cid]: 1 }])
    })

    it('end with the entry that stands for them', async t => {
      const made = await world(t)
      const cid = await cidOf('pinned elsewhere')
      await made.pins.make(made.database, { user: 'alice', cid, name: 'first' })

      await made.files.remove('alice', cid)

      assert.deepEqual(
        [(await made.files.list('alice', {})).files, await made.database.db.selectFrom('pins').selectAll().execute()], [[], []]
      )
    })

    it('leave a file that is not pinned when the entry is unpinned', async t => {
      const made = await world(t)
      const cid = await cidOf('pinned elsewhere')
      await made.pins.make(made.database, { user: 'alice', cid, name: 'first', status: 'pinned' })

      const { state, origin } = await made.files.unpin('alice', cid)
      const again = await made.files.pin('alice', cid)

      assert.deepEqual(
        [state, origin, again.state, again.origin, await made.clusterPins.owners()], ['unpinned', 'cid', 'pinning', 'cid', { [cid]: 1 }]
      )
    })
  })

  describe('lists', () => {
    const five = async (made: FilesWorld): Promise<void> => {
      const group = await made.files.groups.create({ id: 'alice', workspace: 'w-alice' }, 'letters')
      for (const [at, name] of ['delta', 'Alpha', 'charlie', 'bravo', 'echo'].entries()) {
        await made.upload('alice', name.repeat((at + 1) ** 2), {
          filename: name, meta: at % 2 === 0 ? { kind: 'even' } : { kind: 'odd' }, group: at < 2 ? group.id : null
        })
      }
      await made.upload('bob', 'not yours', { filename: 'alpha' })
    }
    const names = (page: { files: Array<{ original_filename: string }> }): string[] => page.files.map(file => file.original_filename)

    it('come in every order, page by page, with everything once', async t => {
      const made = await world(t)
      await five(made)
      const all: Record<string, string[]> = {}

      for (const by of ['original_filename', 'size_bytes', 'uploaded_at', 'view_count', 'last_accessed_at'] as const) {
        for (const descending of [false, true]) {
          const seen: string[] = []
          let cursor: string | null = null
          do {
            const page: Awaited<ReturnType<typeof made.files.list>> = await made.files.list('alice', {
              limit: 2, sort: { by, descending }, ...(cursor == null ? {} : { cursor })
            })
            seen.push(...names(page))
            cursor = page.next
          } while (cursor != null)
          all[`${by} ${descending}`] = seen
        }
      }

      assert.deepEqual(all['original_filename false'], ['Alpha', 'bravo', 'charlie', 'delta', 'echo'])
      assert.deepEqual(all['size_bytes true'], ['echo', 'bravo', 'charlie', 'Alpha', 'delta'])
      for (const [order, seen] of Object.entries(all)) assert.equal(new Set(seen).size, 5, order)
    })

    it('have what fits all filters', async t => {
      const made = await world(t)
      await five(made)
      const [group] = await made.files.groups.list('alice')

      const found = await Promise.all([
        made.files.list('alice', { q: 'LPH' }), made.files.list('alice', { q: 'ha' }), made.files.list('alice', { group: group?.id ?? '' }), made.files.list('alice', { group: 'none', meta: { kind: 'odd' } }),
        made.files.list('alice', { state: 'pinned' }), made.files.list('alice', {
          q: 'o', state: 'staged', meta: { kind: 'even' }
        }), made.files.list('bob', { group: group?.id ?? '' })
      ])

      assert.deepEqual(
        found.map(page => names(page).toSorted()), [['Alpha'], ['Alpha', 'charlie'], ['Alpha', 'delta'], ['bravo'], [], ['echo'], []]
      )
    })

    it('refuse a cursor of another list', async t => {
      const made = await world(t)
      await five(made)
      const { next } = await made.files.list('alice', { limit: 2 })

      await rejects(made.files.list('alice', { cursor: next ?? '', sort: { by: 'size_bytes', descending: true } }), 'INVALID_ARGUMENT')
      await rejects(made.files.list('alice', { cursor: 'nonsense' }), 'INVALID_ARGUMENT')
      const forged = Buffer.from(JSON.stringify(['uploaded_at', 1, 'a text', 'x'])).toString('base64url')
      await rejects(made.files.list('alice', { cursor: forged }), 'INVALID_ARGUMENT')
    })
  })

  describe('deletion', () => {
    it('removes the row, what it counted, its pin, and its bytes in staging', async t => {
      const made = await world(t)
      const { cid: staged } = await made.upload('alice', 'hello')
      const { cid: pinned } = await made.upload('alice', 'world', { blocks: true })

      await made.files.remove('alice', staged)
      await made.files.remove('alice', pinned)

      assert.deepEqual(
        [await made.usedBytes('alice'), await made.clusterPins.owners(), made.staging.objects.size, (
          await made.files.list('alice', {})
        ).files],
        [0, {}, 0, []]
      )
      await rejects(made.files.remove('alice', staged), 'NOT_FOUND')
    })

    it('tells of many what was not there', async t => {
      const made = await world(t)
      const { cid } = await made.upload('alice', 'hello')
      const { cid: others } = await made.upload('bob', 'world')

      assert.deepEqual(await made.files.removeMany('alice', [cid, cid, others, 'no cid']), { deleted: 1, failed: [others, 'no cid'] })
      assert.equal((await made.row('bob', others)).state, 'staged')
    })

    it('is a task for what fits a filter, and for a long list', async t => {
      const made = await world(t)
      const kept = await made.upload('alice', 'kept', { filename: 'kept.txt' })
      for (let at = 0; at < 5; at++) await made.upload('alice', `text ${at}`, { filename: `old-${at}` })

      const byFilter = await made.tasks.finished('alice', await made.files.removeLater('alice', { filter: { q: 'old-' } }))
      const byList = await made.tasks.finished('alice', await made.files.removeLater('alice', { cids: [kept.cid, await cidOf('nothing')] }))

      assert.deepEqual([byFilter.state, JSON.parse(byFilter.result ?? '')], ['SUCCESS', { deleted: 5, failed: [] }])
      assert.deepEqual([byList.state, JSON.parse(byList.result ?? '')], ['SUCCESS', { deleted: 1, failed: [await cidOf('nothing')] }])
      assert.equal(await made.usedBytes('alice'), 0)
    })
  })

  describe('two users', () => {
    it('see and change nothing of each other', async t => {
      const made = await world(t)
      const { cid } = await made.upload('bob', 'hello')
      const { id } = await made.files.groups.create({ id: 'bob', workspace: 'w-bob' }, 'mine')

      for (const attempt of [
        async () => made.files.get('alice', cid), async () => made.files.change('alice', cid, { filename: 'x' }), async () => made.files.remove('alice', cid), async () => made.files.pin('alice', cid),
        async () => made.files.unpin('alice', cid), async () => made.files.open('alice', cid), async () => made.files.whenPinned('alice', cid), async () => made.files.groups.rename('alice', id, 'x'),
        async () => made.files.groups.remove('alice', id)
      ]) await rejects(attempt(), 'NOT_FOUND')

      assert.deepEqual(
        [(await made.row('bob', cid)).original_filename, (await made.files.groups.list('bob')).map(({ name }) => name), await made.files.groups.list('alice')],
        ['a.txt', ['mine'], []]
      )
    })
  })

  describe('content', () => {
    it('comes from staging as long as it is there, and from the node afterwards', async t => {
      const made = await world(t)
      const { cid } = await made.upload('alice', 'hello')
      const staged = await made.files.open('alice', cid)
      assert.ok(staged.kind === 'bytes')
      const part = await text(staged.read({ from: 1, before: 3 }))
      await made.files.access.begin(await made.files.access.find(cid) ?? { owners: [] })
      await becomes(made, cid, 'pinning')
      await made.clusterPins.become(cid, 'pinned')

      const content = await made.files.open('alice', cid)

      assert.ok(content.kind === 'bytes')
      assert.deepEqual([part, content.sizeBytes, await text(content.read({ from: 0, before: 5 }))], ['el', 5, 'hello'])
    })

    it('is missed when it was unpinned and collected', async t => {
      const made = await world(t)
      const { cid } = await made.upload('alice', 'hello', { blocks: true })
      await made.files.unpin('alice', cid)
      made.node.blocks.clear()

      await rejects(made.files.open('alice', cid), 'NO_PROVIDER')
    })
  })

  it('counts a view for everybody who has the CID', async t => {
    const made = await world(t)
    const { cid } = await made.upload('alice', 'hello')
    await made.upload('bob', 'hello')

    made.files.access.viewed(await made.files.access.find(cid) ?? { owners: [] })

    assert.deepEqual(made.views.toSorted(), [`alice ${cid}`, `bob ${cid}`])
    assert.equal(await made.files.access.find(await cidOf('nobody has this')), undefined)
  })
})
