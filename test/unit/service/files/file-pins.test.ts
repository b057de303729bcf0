import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { systemClock } from '../../../../src/base/system.ts'
import type { FilesWorld } from '../../../support/service-files.ts'
import { filesWorld } from '../../../support/service-files.ts'
import { eachDatabase } from '../../../support/service-database.ts'
import { addUser } from '../../../support/service-rows.ts'

eachDatabase('pins of many files', databases => {
  const world = async (t: TestContext, quotaBytes = 10_000): Promise<FilesWorld> => {
    const { database } = await databases.open()
    for (const id of ['alice', 'bob']) await addUser(database, { id, quota_bytes: quotaBytes })
    const made = await filesWorld({ database, clock: systemClock })
    made.clusterPins.first = 'pinned'
    t.after(async () => made.stop())
    return made
  }
  const many = async (made: FilesWorld, count: number): Promise<string[]> => {
    const cids: string[] = []
    for (let at = 0; at < count; at++) cids.push((await made.upload('alice', `text ${at}`, { filename: `file-${at}`, blocks: true })).cid)
    return cids
  }
  const states = async ({ row }: FilesWorld, cids: readonly string[]): Promise<string[]> =>
    Promise.all(cids.map(async cid => (await row('alice', cid)).state))
  const resultOf = async ({ tasks }: FilesWorld, id: string): Promise<unknown> =>
    JSON.parse((await tasks.finished('alice', id)).result ?? 'null')

  it('change what is not so already, and tell of what is not there', async t => {
    const made = await world(t)
    const [first = '', second = ''] = await many(made, 2)
    await made.files.unpin('alice', second)
    const { cid: bobs } = await made.upload('bob', 'not yours', { blocks: true })

    const unpinned = await made.files.changePins('alice', 'unpin', [first, first, second, bobs, 'no cid'])

    assert.deepEqual(unpinned, {
      changed: [first], failed: [bobs, 'no cid'].map(cid => ({ cid, error: 'there is no file with this CID' }))
    })
    assert.deepEqual([await states(made, [first, second]), (await made.row('bob', bobs)).state], [['unpinned', 'unpinned'], 'pinned'])
  })

  it('are a task for what fits a filter, though it goes on fitting', async t => {
    const made = await world(t)
    const cids = await many(made, 120)

    const unpinned = await resultOf(
      made, await made.files.changePinsLater('alice', 'unpin', { filter: { q: 'file-', except: [cids[7] ?? ''] } })
    )
    const now = await states(made, cids)
    const pinned = await resultOf(made, await made.files.changePinsLater('alice', 'pin', { cids }))

    assert.deepEqual([unpinned, pinned], [{ changed: 119, failed: [] }, { changed: 119, failed: [] }])
    assert.deepEqual(now.filter(state => state === 'pinned'), ['pinned'])
    assert.equal(now[7], 'pinned')
  })

  it('pin what there is room for, and name the rest', async t => {
    const made = await world(t, 20)
    const cids = await many(made, 3)
    await made.files.changePins('alice', 'unpin', cids)
    await made.upload('alice', 'takes room', { blocks: true })

    const { changed, failed } = await made.files.changePins('alice', 'pin', cids)

    assert.deepEqual([changed, failed.map(({ cid }) => cid)], [cids.slice(0, 1), cids.slice(1)])
    assert.deepEqual(await states(made, cids), ['pinned', 'unpinned', 'unpinned'])
  })

  it('remove what is only staged from staging no more than one alone does', async t => {
    const made = await world(t)
    const { cid } = await made.upload('alice', 'staged')

    assert.deepEqual(await made.files.changePins('alice', 'unpin', [cid]), { changed: [], failed: [] })
    assert.deepEqual([(await made.row('alice', cid)).state, made.staging.objects.size], ['staged', 1])
  })

  describe('lists', () => {
    it('count what fits, whatever is asked for', async t => {
      const made = await world(t)
      const cids = await many(made, 4)
      await made.files.unpin('alice', cids[0] ?? '')
      const group = await made.files.groups.create({ id: 'alice', workspace: 'w-alice' }, 'letters')
      await made.files.change('alice', cids[1] ?? '', { group: group.id, meta: { app: 'x' } })

      const counts = await Promise.all([
        {}, { state: 'pinned' as const }, { group: group.id }, { group: 'none' }, { q: 'file-1' }, { meta: { app: 'x' } },
        { except: cids.slice(0, 1) }
      ].map(
        async filter => made.files.count('alice', filter)
      ))

      assert.deepEqual([...counts, await made.files.count('bob', {})], [4, 3, 1, 3, 1, 1, 3, 0])
    })
  })
})
