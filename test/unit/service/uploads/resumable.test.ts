import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, it } from 'node:test'
import { isClusterError } from '../../../../src/base/errors.ts'
import { systemClock } from '../../../../src/base/system.ts'
import { tarOf } from '../../../../src/client/service/tar-of.ts'
import type { ResumableRequest, ResumableUpload, Uploader } from '../../../../src/service/uploads/uploads.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { s3Staging } from '../../../../src/service/staging/s3/s3-staging.ts'
import type { StagedRange, Staging } from '../../../../src/service/staging/staging.ts'
import { MemoryStaging } from '../../../support/memory-staging.ts'
import { findS3Server, startS3Server } from '../../../support/s3-server.ts'
import { pollUntil } from '../../../support/poll.ts'
import type { TestPeer } from '../../../support/service-database.ts'
import { eachDatabase } from '../../../support/service-database.ts'
import { addUser } from '../../../support/service-rows.ts'
import type { UploadPeer } from '../../../support/upload-peer.ts'
import { inPieces, partsOf, request, uploadPeer } from '../../../support/upload-peer.ts'

const codeIs = (code: string) => (err: unknown): boolean => isClusterError(err) && err.code === code
const bytes = Buffer.alloc(700_000).map((_zero, at) => (at * 31 + (at >> 8)) & 255) as Buffer
const dayMs = 24 * 60 * 60_000

/** Reads that never come to anything. */
class StuckStaging extends MemoryStaging {
  readonly isRead = Promise.withResolvers<void>()

  // eslint-disable-next-line require-yield -- it ends with its signal
  override async * read (_key: string, { signal }: StagedRange = {}): AsyncGenerator<Uint8Array> {
    this.isRead.resolve()
    await new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true }))
  }
}

eachDatabase('resumable uploads', databases => {
  let folder: string
  let peer: TestPeer
  let side: UploadPeer
  let user: string
  let uploader: Uploader
  let late = 0
  let count = 0
  const asked = (more: Partial<ResumableRequest> = {}): ResumableRequest =>
    ({
      id: `upload${++count}`, length: bytes.length, format: 'file', pin: 'on-access', name: 'video.mp4', contentType: 'video/mp4',
      group: null, meta: {}, client: '{}', ...more
    })
  const create = async (more: Partial<ResumableRequest> = {}): Promise<string> => (
    await side.uploads.resumable.create(uploader, asked(more))
  ).id
  const append = async (id: string, from: number, to: number): Promise<number> =>
    side.uploads.resumable.append(user, id, from, inPieces(bytes.subarray(from, to)))
  const settled = async (id: string): Promise<ResumableUpload> => side.uploads.resumable.settled(user, id, { withinMs: 20_000 })
  const used = async (): Promise<number> => (await side.account(user)).used_bytes
  const reopened = async (): Promise<void> => {
    await side.stop()
    side = await uploadPeer(peer, { folder })
  }

  beforeEach(async () => {
    late = 0
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-resumable-'))
    peer = await databases.open({ clock: { ...systemClock, now: () => systemClock.now() + late } })
    side = await uploadPeer(peer, { folder })
    user = await addUser(peer.database, { quota_bytes: 2_000_000 })
    uploader = { user, workspace: `w-${user}` }
  })

  afterEach(async () => {
    await side.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('become a file like that of one request, also after a restart in between', async () => {
    const whole = await side.uploads.upload(uploader, request(), partsOf({ whole: bytes }))
    const id = await create()

    await append(id, 0, 300_000)
    await reopened()
    const { offset } = await side.uploads.resumable.get(user, id)
    await append(id, offset, bytes.length)
    const upload = await settled(id)

    assert.equal(offset, 300_000)
    assert.deepEqual([upload.state, upload.cid, upload.error], ['done', whole.file.cid, null])
    const [file] = await side.files(user)
    assert.deepEqual([file?.original_filename, file?.content_type, file?.size_bytes], ['video.mp4', 'video/mp4', bytes.length])
    assert.deepEqual((await side.leftovers()).staged, [whole.file.staging_key])
    assert.equal(await used(), bytes.length)
  })

  it('go straight into the cluster when they shall be pinned now, and leave nothing staged', async () => {
    const id = await create({ pin: 'now' })

    await append(id, 0, bytes.length)
    const { cid } = await settled(id)

    assert.ok(side.blocks.has(cid ?? ''))
    assert.equal((await side.files(user))[0]?.state, 'pinned')
    await pollUntil(async () => (await side.leftovers()).staged.length === 0)
  })

  it('go on at another peer of the same database and the same bucket', async context => {
    const found = findS3Server()
    if ('missing' in found) {
      context.skip(found.missing)
      return
    }
    const server = await startS3Server(found.program)
    const staging = (): Staging => s3Staging(server.settings, { log: silentLogger })
    // a peer with a staging area of its own would take the task, too
    await side.stop()
    const here = await uploadPeer(peer, { staging: staging() })
    const other = await databases.another()
    const there = side = await uploadPeer(other, { peer: 'peer-b', staging: staging() })
    const { id } = await here.uploads.resumable.create(uploader, asked({ pin: 'now' }))

    await here.uploads.resumable.append(user, id, 0, inPieces(bytes.subarray(0, 300_000)))
    await here.stop()
    const { offset } = await there.uploads.resumable.get(user, id)
    await there.uploads.resumable.append(user, id, offset, inPieces(bytes.subarray(offset)))
    const upload = await there.uploads.resumable.settled(user, id, { withinMs: 20_000 })

    assert.deepEqual([offset, upload.state], [300_000, 'done'])
    assert.deepEqual((await there.files(user)).map(({ cid, size_bytes: size }) => [cid, size]), [[upload.cid, bytes.length]])
    await server.close()
  })

  it('keep what came before the line was cut', async () => {
    const id = await create()
    const cut = new Error('the line is cut')
    async function * half (): AsyncGenerator<Uint8Array> {
      yield * inPieces(bytes.subarray(0, 400_000))
      throw cut
    }

    await assert.rejects(side.uploads.resumable.append(user, id, 0, half()), err => err === cut)

    assert.equal((await side.uploads.resumable.get(user, id)).offset, 400_000)
    await append(id, 400_000, bytes.length)
    assert.equal((await settled(id)).state, 'done')
  })

  it('reserve their length at the beginning, and are refused when it does not fit', async () => {
    const id = await create()

    assert.equal(await used(), bytes.length)
    await assert.rejects(create({ length: 1_300_001 }), codeIs('QUOTA_EXCEEDED'))
    await side.uploads.resumable.remove(user, id)
    assert.equal(await used(), 0)
    assert.deepEqual(await side.leftovers(), { uploads: 0, reservations: 0, staged: [] })
  })

  it('take no more than their length', async () => {
    const id = await create({ length: 100_000 })

    await assert.rejects(append(id, 0, 200_000), codeIs('TOO_LARGE'))

    assert.ok((await side.uploads.resumable.get(user, id)).offset <= 100_000)
  })

  it('go on only where they are, and one request at a time', async () => {
    const id = await create()
    await append(id, 0, 1000)

    await assert.rejects(append(id, 0, 500), codeIs('CONFLICT'))
    await assert.rejects(append(id, 2000, 3000), codeIs('CONFLICT'))

    const both = await Promise.allSettled([append(id, 1000, 300_000), append(id, 1000, 300_000)])
    assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
    assert.equal((await side.uploads.resumable.get(user, id)).offset, 300_000)
  })

  it('may tell their length later, and pay as they go', async () => {
    const id = await create({ length: null })
    await append(id, 0, 300_000)
    const reserved = await used()

    await side.uploads.resumable.declareLength(user, id, bytes.length)
    await assert.rejects(side.uploads.resumable.declareLength(user, id, 5), codeIs('CONFLICT'))
    await append(id, 300_000, bytes.length)

    assert.ok(reserved >= 300_000)
    assert.equal((await settled(id)).state, 'done')
    assert.equal(await used(), bytes.length)
  })

  it('end when their length is told and all of it is there', async () => {
    const id = await create({ length: null })
    await append(id, 0, bytes.length)

    await side.uploads.resumable.declareLength(user, id, bytes.length)

    assert.equal((await settled(id)).state, 'done')
  })

  it('stop at the quota when nobody knows their length', async () => {
    const id = await create({ length: null })
    async function * endless (): AsyncGenerator<Uint8Array> { for (;;) yield bytes.subarray(0, 65_536) }

    await assert.rejects(side.uploads.resumable.append(user, id, 0, endless()), codeIs('QUOTA_EXCEEDED'))

    assert.ok(await used() <= 2_000_000)
  })

  it('may have no byte', async () => {
    const id = await create({ length: 0 })

    assert.equal((await settled(id)).cid, 'bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku')
  })

  it('fail for good when they are not what they say, and tell why', async () => {
    const id = await create({ format: 'car' })

    await append(id, 0, bytes.length)
    const upload = await settled(id)

    assert.equal(upload.state, 'failed')
    assert.ok(upload.error != null && upload.error !== '')
    assert.equal(await used(), 0)
    await pollUntil(async () => (await side.leftovers()).staged.length === 0)
    assert.equal((await side.leftovers()).reservations, 0)
  })

  it('become a directory of a tar, as one request makes it, at once or when it is asked for', async () => {
    const files = { 'site/index.html': 'hello', 'site/css/a.css': bytes, [`site/${'ü'.repeat(200)}`]: 'long' }
    const whole = await side.uploads.upload(uploader, request({ format: 'directory' }), partsOf(files))
    const tar = new Uint8Array(
      await tarOf(Object.entries(files).map(([path, content]) => ({ path, content: new Blob([content]) }))).arrayBuffer()
    )

    const made: string[] = []
    for (const pin of ['on-access', 'now'] as const) {
      const id = await create({ length: tar.length, format: 'directory', pin, name: 'site' })
      await side.uploads.resumable.append(user, id, 0, inPieces(tar.subarray(0, 300_000)))
      await side.uploads.resumable.append(user, id, 300_000, inPieces(tar.subarray(300_000)))
      made.push((await settled(id)).cid ?? '')
    }

    assert.deepEqual(made, [whole.file.cid, whole.file.cid])
    assert.ok(side.blocks.has(whole.file.cid))
    const [file] = await side.files(user)
    assert.deepEqual([file?.kind, file?.size_bytes], ['directory', whole.file.size_bytes])
  })

  it('fail when a tar breaks off, and keep nothing of it', async () => {
    const id = await create({ format: 'directory' })
    await append(id, 0, bytes.length)

    const { state, error } = await settled(id)

    assert.deepEqual([state, error], ['failed', 'this is not a tar'])
    assert.deepEqual((await side.leftovers()).staged, [])
  })

  it('leave nothing when the task that makes their file is revoked', async () => {
    const staging = new StuckStaging()
    await side.stop()
    side = await uploadPeer(peer, { staging })
    const { link, secret } = await side.uploads.links.create(
      { id: user, workspace: uploader.workspace },
      { name: '', maxBytes: null, contentTypes: [], group: null, maxUses: 1, expiresAt: peer.database.now() + dayMs }
    )
    uploader = { ...uploader, link: await side.uploads.links.find(secret) }
    const id = await create()
    await append(id, 0, bytes.length)
    await staging.isRead.promise
    const [task] = await side.tasks.list(user)

    await side.tasks.revoke(user, task?.id ?? '')

    const upload = await side.uploads.resumable.get(user, id)
    assert.deepEqual([upload.state, upload.cid, upload.error], ['failed', null, 'the task was revoked'])
    assert.equal(await used(), 0)
    assert.deepEqual({ ...await side.leftovers(), uploads: 0 }, { uploads: 0, reservations: 0, staged: [] })
    assert.equal((await side.uploads.links.list(user)).find(({ id }) => id === link.id)?.uses, 0)
    await side.uploads.resumable.remove(user, id)
    assert.equal((await side.leftovers()).uploads, 0)
  })

  it('expire a day after their last byte, with everything that came of them', async () => {
    const id = await create()
    await append(id, 0, 1000)
    late = dayMs - 60_000
    await append(id, 1000, 2000)
    late = dayMs + 60_000
    assert.equal((await side.uploads.resumable.get(user, id)).offset, 2000)

    late = 2 * dayMs + 60_000
    await assert.rejects(side.uploads.resumable.get(user, id), codeIs('NOT_FOUND'))
    await reopened()

    await pollUntil(async () => (await side.leftovers()).uploads === 0)
    await pollUntil(async () => (await side.leftovers()).staged.length === 0)
    assert.equal(await used(), 0)
  })

  it('belong to who began them', async () => {
    const id = await create()
    const other = await addUser(peer.database)
    const { resumable } = side.uploads

    await assert.rejects(resumable.get(other, id), codeIs('NOT_FOUND'))
    await assert.rejects(resumable.append(other, id, 0, inPieces(bytes)), codeIs('NOT_FOUND'))
    await assert.rejects(resumable.declareLength(other, id, 1), codeIs('NOT_FOUND'))
    await assert.rejects(resumable.remove(other, id), codeIs('NOT_FOUND'))
    assert.deepEqual(await resumable.list(other), [])
    assert.deepEqual((await resumable.list(user)).map(one => one.id), [id])
  })
})
