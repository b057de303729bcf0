import assert from 'node:assert/strict'
import { afterEach, beforeEach, it } from 'node:test'
import { isClusterError } from '../../../../src/base/errors.ts'
import { systemClock } from '../../../../src/base/system.ts'
import type { LinkRow } from '../../../../src/service/sql/tables.ts'
import { allowsType } from '../../../../src/service/uploads/link-limits.ts'
import type { NewLink, UploadPart } from '../../../../src/service/uploads/uploads.ts'
import type { TestPeer } from '../../../support/service-database.ts'
import { eachDatabase } from '../../../support/service-database.ts'
import { addUser } from '../../../support/service-rows.ts'
import type { UploadPeer } from '../../../support/upload-peer.ts'
import { partsOf, request, uploadPeer } from '../../../support/upload-peer.ts'

const codeIs = (code: string) => (err: unknown): boolean => isClusterError(err) && err.code === code

eachDatabase('upload links', databases => {
  let peer: TestPeer
  let side: UploadPeer
  let user: string
  let late = 0
  const make = async (more: Partial<NewLink> = {}): Promise<string> => {
    const link: NewLink = {
      name: '', maxBytes: null, contentTypes: [], group: null, maxUses: 1, expiresAt: peer.database.now() + 60_000, ...more
    }
    return (await side.uploads.links.create({ id: user, workspace: `w-${user}` }, link)).secret
  }
  const send = async (secret: string, parts: AsyncIterable<UploadPart> = partsOf({ a: 'hello' })) => {
    const link = await side.uploads.links.find(secret)
    return await side.uploads.upload({ user: link.user_id, workspace: link.workspace_id, link }, request(), parts)
  }
  const rows = async (): Promise<LinkRow[]> => side.uploads.links.list(user)

  beforeEach(async () => {
    late = 0
    peer = await databases.open({ clock: { ...systemClock, now: () => systemClock.now() + late } })
    side = await uploadPeer(peer)
    user = await addUser(peer.database)
  })

  afterEach(async () => side.stop())

  it('let somebody upload into the account, as often as they say', async () => {
    const secret = await make({ maxUses: 2 })

    const first = await send(secret, partsOf({ a: 'a' }))
    await send(secret, partsOf({ b: 'b' }))

    assert.equal(first.file.user_id, user)
    await assert.rejects(send(secret), codeIs('NOT_FOUND'))
    assert.equal((await rows())[0]?.uses, 2)
  })

  it('are stored without their secret', async () => {
    const secret = await make()

    assert.match(secret, /^ul_[0-9A-Za-z]{32}$/)
    assert.ok(!JSON.stringify(await rows()).includes(secret.slice(3)))
  })

  it('get back the use of an upload that failed', async () => {
    const secret = await make({ maxBytes: 4 })

    await assert.rejects(send(secret, partsOf({ a: 'hello' })), codeIs('TOO_LARGE'))
    await send(secret, partsOf({ a: 'hell' }))

    assert.equal((await rows())[0]?.uses, 1)
    assert.deepEqual(await side.leftovers().then(({ uploads, reservations }) => [uploads, reservations]), [0, 0])
  })

  it('are used by no more uploads at once than they say', async () => {
    const secret = await make({ maxUses: 2 })
    const link = await side.uploads.links.find(secret)

    const all = await Promise.allSettled(Array.from({ length: 5 }, async (_one, at) =>
      side.uploads.upload({ user, workspace: link.workspace_id, link }, request(), partsOf({ f: `f${at}` }))))

    assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 2)
  })

  it('take only types that they name', async () => {
    const secret = await make({ contentTypes: ['image/*', 'text/plain'] })

    await assert.rejects(send(secret, partsOf({ a: 'x' }, 'application/pdf')), codeIs('INVALID_ARGUMENT'))
    await send(secret, partsOf({ a: 'x' }, 'image/png'))

    const allows = (types: string[], type: string): boolean => allowsType({ content_types: JSON.stringify(types) }, type)
    assert.deepEqual(
      [allows([], 'a/b'), allows(['*/*'], 'a/b'), allows(['a/*'], 'a/b'), allows(['a/b'], 'a/bc'), allows(['a/*'], 'ab/c')],
      [true, true, true, false, false]
    )
  })

  it('are over when their time is, when they are revoked, and with their account', async () => {
    const [expires, revoked, suspended] = [await make(), await make(), await make({ expiresAt: peer.database.now() + 10 * 60_000 })]
    const found = (await rows()).find(({ id }) => id !== '')
    await side.uploads.links.revoke(user, (await side.uploads.links.find(revoked)).id)
    await side.uploads.links.revoke(user, (await side.uploads.links.owner(revoked)).id)
    late = 60_001

    assert.ok(found != null)
    await assert.rejects(send(expires), codeIs('NOT_FOUND'))
    await assert.rejects(send(revoked), codeIs('NOT_FOUND'))
    await send(suspended)
    await peer.database.transaction(async tx => {
      await tx.updateTable('users').set({ state: 'suspended' }).where('id', '=', user).execute()
    })
    await assert.rejects(send(suspended), codeIs('NOT_FOUND'))
    await assert.rejects(side.uploads.links.find('ul_nothing'), codeIs('NOT_FOUND'))
  })

  it('belong to who made them', async () => {
    await make()
    const other = await addUser(peer.database)
    const [link] = await rows()

    await assert.rejects(side.uploads.links.revoke(other, link?.id ?? ''), codeIs('NOT_FOUND'))
    assert.deepEqual(await side.uploads.links.list(other), [])
  })
})
