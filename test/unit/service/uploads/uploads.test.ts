import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { ClusterError, isClusterError } from '../../../../src/base/errors.ts'
import { systemClock } from '../../../../src/base/system.ts'
import { carHeader, carSectionHead } from '../../../../src/model/car.ts'
import type { CID } from '../../../../src/model/cid.ts'
import { parseCid } from '../../../../src/model/cid.ts'
import { addedRoot } from '../../../../src/service/uploads/content-root.ts'
import { liveStagingKeys } from '../../../../src/service/uploads/upload-rows.ts'
import { stagedContent } from '../../../../src/service/uploads/staged-content.ts'
import type { UploadPart, UploadProgress, UploadRequest } from '../../../../src/service/uploads/uploads.ts'
import { blockOf } from '../../../support/blocks.ts'
import { pollUntil } from '../../../support/poll.ts'
import type { TestPeer } from '../../../support/service-database.ts'
import { eachDatabase } from '../../../support/service-database.ts'
import { addFile, addUser } from '../../../support/service-rows.ts'
import type { UploadPeer } from '../../../support/upload-peer.ts'
import { addingInto, inPieces, partsOf, request, uploadPeer } from '../../../support/upload-peer.ts'

const codeIs = (code: string) => (err: unknown): boolean => isClusterError(err) && err.code === code
const nothing = { uploads: 0, reservations: 0, staged: [] }
/** Bytes that no other part of them is like. */
const various = (length: number): Buffer => Buffer.alloc(length).map((_zero, at) => (at * 7 + (at >> 8) * 13 + (at >> 16)) & 255) as Buffer

eachDatabase('uploads', databases => {
  let peer: TestPeer
  let side: UploadPeer
  let user: string
  let late = 0
  const upload = async (parts: AsyncIterable<UploadPart>, more: Partial<UploadRequest> = {}) =>
    side.uploads.upload({ user, workspace: `w-${user}` }, request(more), parts)
  const used = async (): Promise<number> => (await side.account(user)).used_bytes

  beforeEach(async () => {
    late = 0
    peer = await databases.open({ clock: { ...systemClock, now: () => systemClock.now() + late } })
    side = await uploadPeer(peer)
    user = await addUser(peer.database, { quota_bytes: 1_000_000 })
  })

  afterEach(async () => side.stop())

  it('stages a file and knows its CID', async () => {
    const { file, pinned } = await upload(partsOf({ 'report.txt': 'hello world' }))

    assert.equal(file.cid, 'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e')
    assert.deepEqual(
      [file.original_filename, file.content_type, file.size_bytes, file.state, file.kind, pinned],
      ['report.txt', 'text/plain', 11, 'staged', 'file', false]
    )
    assert.deepEqual(await side.leftovers(), { ...nothing, staged: [file.staging_key] })
    assert.equal(await used(), 11)
    assert.equal(side.blocks.size, 0)
  })

  it('makes raw CIDs of single chunks, and dag-pb ones with raw leaves of larger files, the same ways', async () => {
    const single = various(262_144)
    const larger = various(262_145)

    for (const pin of ['on-access', 'now'] as const) {
      const one = await upload(partsOf({ [`one-${pin}`]: single }), { pin })
      const two = await upload(partsOf({ [`two-${pin}`]: larger }), { pin })

      assert.equal(parseCid(one.file.cid).code, 0x55)
      assert.equal(parseCid(two.file.cid).code, 0x70)
    }
    assert.equal((await side.files(user)).length, 2)
    // the larger one begins with the single chunk
    assert.deepEqual([...side.blocks.keys()].map(cid => parseCid(cid).code).toSorted((a, b) => a - b), [0x55, 0x55, 0x70])
  })

  it('gives the bytes to the cluster when they shall be pinned now, and stages nothing', async () => {
    const { file, pinned } = await upload(
      partsOf({ 'a/b/deep.bin': various(300_000) }, 'application/x-thing'), { pin: 'now', name: 'My thing', meta: { app: 'test' } }
    )

    assert.equal(pinned, true)
    assert.ok(side.blocks.has(file.cid))
    assert.deepEqual(
      [file.original_filename, file.content_type, file.meta, file.size_bytes],
      ['My thing', 'application/x-thing', '{"app":"test"}', 300_000]
    )
    assert.deepEqual(await side.leftovers(), nothing)
  })

  it('answers with the file also when another request has removed it meanwhile', async () => {
    const { database } = peer
    const beforePinned = async (): Promise<void> => { await database.transaction(async tx => { await tx.deleteFrom('files').execute() }) }
    const other = await uploadPeer(peer, { beforePinned })

    const { file } = await other.uploads.upload(
      { user, workspace: `w-${user}` }, request({ pin: 'now' }), partsOf({ 'report.txt': 'hello world' })
    )
    await other.stop()

    assert.deepEqual([file.original_filename, file.cid], ['report.txt', 'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'])
  })

  it('has staged bytes live all the time while an upload becomes a file', async () => {
    const { database } = peer
    const row = {
      user_id: user, workspace_id: `w-${user}`, length: 1, reservation_id: null, link_id: null, created_at: 0, expires_at: 1e15
    } as const
    await database.transaction(async tx => {
      await tx.insertInto('uploads').values({ ...row, id: 'one', state: 'open', staging_key: 'key' }).execute()
    })
    // it becomes a file as soon as something has been asked
    const becomesFile = async (): Promise<void> => {
      await database.transaction(async tx => {
        const { numDeletedRows } = await tx.deleteFrom('uploads').where('id', '=', 'one').executeTakeFirst()
        if (numDeletedRows > 0n) await addFile(tx, user, { staging_key: 'key' })
      })
    }
    const db = database.db.withPlugin({
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => {
        await becomesFile()
        return result
      }
    })

    assert.deepEqual(await liveStagingKeys({ database: { ...database, db } })(['key', 'other']), new Set(['key']))
  })

  it('has one entry for the same bytes, counts them once, and keeps one object of them', async () => {
    const first = await upload(partsOf({ one: 'the same' }))
    const second = await upload(partsOf({ two: 'the same' }))

    assert.equal(second.file.id, first.file.id)
    assert.equal(second.file.original_filename, 'two')
    assert.deepEqual(await side.leftovers(), { ...nothing, staged: [first.file.staging_key] })
    assert.equal(await used(), 8)
  })

  it('makes a directory whose root is the folder that all paths begin with', async () => {
    const named = await upload(partsOf({ 'site/index.html': '<p>', 'site/css/a.css': 'b {}' }), { format: 'directory' })
    const bare = await upload(partsOf({ 'index.html': '<p>', 'css/a.css': 'b {}' }), { format: 'directory' })
    const mixed = await upload(partsOf({ 'site/index.html': '<p>', other: '' }), { format: 'directory' })

    assert.equal(named.file.cid, bare.file.cid)
    assert.notEqual(mixed.file.cid, bare.file.cid)
    assert.deepEqual(
      [named.file.original_filename, bare.file.original_filename, mixed.file.original_filename], ['site', 'directory', 'directory']
    )
    assert.deepEqual([named.file.kind, named.file.size_bytes, named.file.content_type], ['directory', 7, 'application/x-directory'])
  })

  it('makes the same CID of what was staged, whatever it is', async () => {
    const uploaded = [
      await upload(partsOf({ 'a.bin': various(600_000) })),
      await upload(partsOf({ 'd/a': various(300_000), 'd/e/b': 'b', 'd/e/c': '' }), { format: 'directory' }),
      await upload(partsOf({ 'x.car': await carOf({ 'd/a': 'a', 'd/b': 'b' }) }), { format: 'car' })
    ]

    for (const { file: { cid, kind, staging_key: key } } of uploaded) {
      const blocks = new Map<string, Uint8Array>()
      const { entries, params } = stagedContent({ cid, kind, staging_key: key ?? '' }, side.staging)
      const root = await addedRoot(addingInto(blocks).add(entries, params))

      assert.equal(root.cid.toString(), cid)
      assert.ok(blocks.has(cid))
    }
  })

  it('takes a CAR for what is in it', async () => {
    const car = await carOf({ 'd/a': 'a', 'd/b': 'b' })
    const directory = await upload(partsOf({ 'd/a': 'a', 'd/b': 'b' }), { format: 'directory' })

    const { file } = await upload(partsOf({ 'd.car': car }), { format: 'car', pin: 'now' })

    assert.equal(file.cid, directory.file.cid)
    await assert.rejects(upload(partsOf({ 'no.car': 'this is no CAR' }), { format: 'car' }), codeIs('INVALID_ARGUMENT'))
    await assert.rejects(upload(partsOf({ 'half.car': car.subarray(0, -5) }), { format: 'car', pin: 'now' }), codeIs('INVALID_ARGUMENT'))
  })

  it('refuses a CAR that lacks the block of its root, at once or staged', async () => {
    const car = await carOf({ 'd/a': 'a' }, blockOf(Buffer.from('elsewhere')).cid)

    for (const pin of ['now', 'on-access'] as const) {
      await assert.rejects(upload(partsOf({ 'd.car': car }), { format: 'car', pin }), /the CAR has no block of its root bafkrei/)
    }
    assert.deepEqual(await side.leftovers(), { staged: [], reservations: 0, uploads: 0 })
  })

  it('leaves nothing of an upload that breaks off', async () => {
    const cut = new Error('the client went away')
    async function * half (): AsyncGenerator<Uint8Array> {
      yield * inPieces(various(400_000))
      throw cut
    }

    for (const pin of ['now', 'on-access'] as const) {
      await assert.rejects(upload(partsOf({ file: half() }), { pin }), err => err === cut)
      await assert.rejects(upload(partsOf({ 'd/a': 'a', 'd/b': half() }), { pin, format: 'directory' }), err => err === cut)
    }

    assert.deepEqual(await side.leftovers(), nothing)
    assert.deepEqual([await used(), (await side.files(user)).length], [0, 0])
  })

  it('takes what fits exactly into the quota, and not a byte more', async () => {
    for (const [pin, length] of [['now', 500_000], ['on-access', 500_000]] as const) {
      const bytes = various(length)
      bytes[0] = pin === 'now' ? 1 : 2
      await upload(partsOf({ file: bytes }), { pin, expected: { least: 0, most: length } })
    }

    assert.equal(await used(), 1_000_000)
    await assert.rejects(upload(partsOf({ file: 'x' })), codeIs('QUOTA_EXCEEDED'))
    await assert.rejects(upload(partsOf({ file: 'x' }), { pin: 'now', expected: { least: 1, most: 1 } }), codeIs('QUOTA_EXCEEDED'))
    assert.equal(await used(), 1_000_000)
    assert.deepEqual({ ...await side.leftovers(), staged: [] }, nothing)
  })

  it('refuses by its announced length what does not fit, before reading it', async () => {
    let read = 0
    async function * watched (): AsyncGenerator<Uint8Array> {
      read++
      yield various(10)
    }

    await assert.rejects(
      upload(partsOf({ file: watched() }), { expected: { least: 1_000_001, most: 1_000_001 } }), codeIs('QUOTA_EXCEEDED')
    )

    assert.equal(read, 0)
  })

  it('stops reading an upload of unknown length where the quota ends', async () => {
    let sent = 0
    async function * endless (): AsyncGenerator<Uint8Array> {
      for (;;) {
        sent += 65_536
        yield various(65_536)
      }
    }

    await assert.rejects(upload(partsOf({ file: endless() })), codeIs('QUOTA_EXCEEDED'))

    assert.ok(sent <= 1_000_000 + 2 * 65_536, `${sent} bytes were read`)
    assert.deepEqual(await side.leftovers(), nothing)
    assert.equal(await used(), 0)
  })

  it('never lets parallel uploads pass the quota together', async () => {
    const all = Array.from({ length: 8 }, async (_one, at) => {
      const bytes = various(200_000)
      bytes[0] = at
      return await upload(partsOf({ [`f${at}`]: bytes }), {
        pin: at % 2 === 0 ? 'now' : 'on-access', expected: at < 4 ? { least: 0, most: 200_000 } : { least: 0, most: null }
      })
    })

    const results = await Promise.allSettled(all)

    const done = results.filter(({ status }) => status === 'fulfilled').length
    assert.ok(results.every(result => result.status === 'fulfilled' || codeIs('QUOTA_EXCEEDED')(result.reason)))
    assert.ok(done >= 1 && done <= 5, `${done} fit`)
    assert.equal(await used(), done * 200_000)
    assert.deepEqual({ ...await side.leftovers(), staged: [] }, nothing)
  })

  it('refuses what is not one file, and nothing at all', async () => {
    for (const pin of ['now', 'on-access'] as const) {
      await assert.rejects(upload(partsOf({ a: 'a', b: 'b' }), { pin }), codeIs('INVALID_ARGUMENT'))
      await assert.rejects(upload(partsOf({}), { pin }), codeIs('INVALID_ARGUMENT'))
      await assert.rejects(upload(partsOf({ a: 'a', 'a/b': 'b' }), { pin, format: 'directory' }), codeIs('INVALID_ARGUMENT'))
      await assert.rejects(upload(twice('a/b'), { pin, format: 'directory' }), codeIs('INVALID_ARGUMENT'))
    }

    assert.deepEqual(await side.leftovers(), nothing)
    assert.equal(await used(), 0)
  })

  it('takes nothing for an account that is suspended, or into a group of somebody else', async () => {
    const other = await addUser(peer.database)
    await peer.database.transaction(async tx => {
      await tx.insertInto('groups').values({ id: 'theirs', user_id: other, workspace_id: `w-${other}`, name: 'g', created_at: 0 }).execute()
    })
    await assert.rejects(upload(partsOf({ a: 'a' }), { group: 'theirs' }), codeIs('NOT_FOUND'))

    await peer.database.transaction(async tx => {
      await tx.updateTable('users').set({ state: 'suspended' }).where('id', '=', user).execute()
    })
    await assert.rejects(upload(partsOf({ a: 'a' })), codeIs('NOT_AUTHORIZED'))

    assert.deepEqual(await side.leftovers(), nothing)
  })

  describe('of a peer that died', () => {
    /** An upload that is under way: its row, its reservation, its bytes. */
    async function begun (): Promise<{ letGo: () => void, ended: Promise<unknown> }> {
      const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
      async function * slow (): AsyncGenerator<Uint8Array> {
        yield various(100_000)
        await held
        throw new ClusterError('TIMEOUT')
      }
      const ended = upload(partsOf({ slow: slow() }), { expected: { least: 0, most: 500_000 } }).catch((err: unknown) => err)
      await pollUntil(async () => await used() > 0)
      return { letGo, ended }
    }

    it('are taken back when it starts again', async () => {
      const { letGo, ended } = await begun()
      await side.uploads.stop()

      const again = await uploadPeer(peer)
      await pollUntil(async () => await used() === 0, { what: 'the reservation is given back' })

      assert.equal((await again.leftovers()).uploads, 0)
      letGo()
      await ended
      await again.stop()
    })

    it('are told from those that came to this process before it had started everything', async () => {
      await side.uploads.stop()
      const { letGo, ended } = await begun()

      await side.uploads.start(new AbortController().signal)
      const { file } = await upload(partsOf({ other: 'x' }))
      await pollUntil(async () => await used() > 0)

      assert.equal((await side.leftovers()).uploads, 1)
      assert.equal(file.size_bytes, 1)
      letGo()
      assert.ok(isClusterError(await ended, 'TIMEOUT'))
    })

    it('are taken back by another peer once they have expired, and not before', async () => {
      const { letGo, ended } = await begun()
      const elsewhere = await uploadPeer(peer, { peer: 'peer-b' })
      await elsewhere.stop()
      assert.equal((await side.leftovers()).uploads, 1)

      late = 61 * 60_000
      const later = await uploadPeer(peer, { peer: 'peer-b' })
      await pollUntil(async () => await used() === 0, { what: 'the reservation is given back' })

      letGo()
      assert.ok(await ended instanceof ClusterError)
      assert.equal((await side.leftovers()).uploads, 0)
      await later.stop()
    })

    it('can not be ended twice: what somebody has taken back makes no file', async () => {
      const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
      async function * slow (): AsyncGenerator<Uint8Array> {
        yield various(1000)
        await held
      }
      const ended = upload(partsOf({ slow: slow() }))
      await pollUntil(async () => (await side.leftovers()).uploads === 1)

      const keys = await peer.database.transaction(async tx => side.uploads.forget(tx, user))
      letGo()

      assert.equal(keys.length, 1)
      await assert.rejects(ended, codeIs('CONFLICT'))
      assert.equal((await side.files(user)).length, 0)
    })
  })

  it('tells which staged objects somebody needs', async () => {
    const { file } = await upload(partsOf({ a: 'a' }))
    const key = file.staging_key ?? ''

    const live = await liveStagingKeys({ database: peer.database })([key, 'orphan'])

    assert.deepEqual(live, new Set([key]))
  })

  it('tells how far an upload is, and its end', async () => {
    const told: UploadProgress[] = []
    const stop = side.uploads.onProgress(progress => { told.push(progress) })

    const { file } = await upload(partsOf({ a: various(500_000) }), { expected: { least: 0, most: 500_000 } })
    await assert.rejects(upload(partsOf({})))
    stop()
    await upload(partsOf({ b: 'b' }))

    assert.deepEqual(told.map(({ state }) => state), ['open', 'done', 'failed'])
    assert.deepEqual([told[1]?.bytes, told[1]?.total, told[1]?.cid], [500_000, 500_000, file.cid])
  })
})

async function * twice (path: string): AsyncGenerator<UploadPart> {
  for (const content of ['first', 'second']) yield * partsOf({ [path]: content })
}

/** A CAR of a directory; `root`: another one than is in it. */
async function carOf (files: Record<string, string>, root?: CID): Promise<Buffer> {
  const blocks = new Map<string, Uint8Array>()
  async function * entries () {
    for (const [path, text] of Object.entries(files)) yield { kind: 'file' as const, path, content: inPieces(Buffer.from(text)) }
  }
  const { params } = stagedContent({ cid: '', kind: 'file', staging_key: 'x' }, { read: () => inPieces(Buffer.alloc(0)) })
  const { cid } = await addedRoot(addingInto(blocks).add(entries(), params))
  const sections = [...blocks].flatMap(([text, bytes]) => [carSectionHead({ cid: parseCid(text), bytes }), bytes])
  return Buffer.concat([carHeader(root ?? cid), ...sections])
}
