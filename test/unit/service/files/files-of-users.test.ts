import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClusterError } from '../../../../src/base/errors.ts'
import type { FilesWorld } from '../../../support/service-files.ts'
import { cidOf, filesWorlds } from '../../../support/service-files.ts'
import { eachDatabase } from '../../../support/service-database.ts'

const rejects = async (promise: Promise<unknown>, code: string): Promise<void> => {
  await assert.rejects(promise, (err: ClusterError) => err.code === code)
}
const text = async (source: AsyncIterable<Uint8Array>): Promise<string> => Buffer.concat(await Array.fromAsync(source)).toString()

eachDatabase('files of the service and their users', databases => {
  const { world, becomes } = filesWorlds(databases)

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
        made.files.list('alice', { q: 'LPH' }), made.files.list('alice', { q: 'ha' }), made.files.list('alice', { group: group?.id ?? '' }),
        made.files.list('alice', { group: 'none', meta: { kind: 'odd' } }),
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
        async () =>
          made.files.get('alice', cid), async () => made.files.change('alice', cid, { filename: 'x' }),
          async () => made.files.remove('alice', cid), async () => made.files.pin('alice', cid),
        async () =>
          made.files.unpin('alice', cid), async () => made.files.open('alice', cid), async () => made.files.whenPinned('alice', cid),
          async () => made.files.groups.rename('alice', id, 'x'),
        async () => made.files.groups.remove('alice', id)
      ]) await rejects(attempt(), 'NOT_FOUND')

      assert.deepEqual(
        [
          (await made.row('bob', cid)).original_filename, (await made.files.groups.list('bob')).map(({ name }) => name),
          await made.files.groups.list('alice')
        ],
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

    it('comes in runs of leaves where they lie together', async t => {
      const made = await world(t, 2 ** 20)
      const bytes = 'a'.repeat(262_144) + 'b'.repeat(262_144) + 'c'.repeat(262_144) + 'd'.repeat(100)
      const { cid } = await made.upload('alice', bytes, { want: true })
      await becomes(made, cid, 'pinning')
      await made.clusterPins.become(cid, 'pinned')

      const content = await made.files.open('alice', cid)

      assert.ok(content.kind === 'bytes')
      assert.equal(await text(content.read({ from: 262_143, before: 786_432 })), bytes.slice(262_143, 786_432))
      assert.deepEqual(made.node.together, [3])
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
