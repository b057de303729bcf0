import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ServiceError } from '../../../src/client/service/service-client.ts'
import type { ResumableUpload } from '../../../src/client/service/types.ts'
import { Pace, Speed } from '../../../src/web/data/uploads/pace.ts'
import { inOrder, isSame, marksOf, pickedFile } from '../../../src/web/data/uploads/picked-files.ts'
import { failureOf, totalsOf, waitMs } from '../../../src/web/data/uploads/upload-item.ts'
import { UploadQueue } from '../../../src/web/data/uploads/upload-queue.ts'
import type { UploadQueueDeps } from '../../../src/web/data/uploads/upload-queue.ts'
import type { UploadRecord } from '../../../src/web/data/uploads/upload-records.ts'
import { pollUntil } from '../../support/poll.ts'

/** A service that takes bytes in steps, and fails when it is told to. */
class FakeUploads {
  readonly made = new Map<string, { size: number, offset: number, name: string }>()
  failures: Error[] = []
  created = 0
  /** Steps wait for this. */
  gate: Promise<void> = Promise.resolve()

  async create ({ name, sizeBytes }: { name: string, sizeBytes: number }): Promise<string> {
    const id = `u${++this.created}`
    this.made.set(id, { size: sizeBytes, offset: 0, name })
    return id
  }

  async send (
    id: string, content: Blob, { signal, onProgress }: { signal?: AbortSignal, onProgress?: (offset: number) => void } = {}
  ): Promise<ResumableUpload> {
    const upload = this.made.get(id)
    if (upload == null) throw new ServiceError(404, 'there is no such upload')
    while (upload.offset < content.size) {
      await this.gate
      await new Promise(resolve => { setImmediate(resolve) })
      signal?.throwIfAborted()
      const failure = this.failures.shift()
      if (failure != null) throw failure
      upload.offset = Math.min(content.size, upload.offset + 10)
      onProgress?.(upload.offset)
    }
    return this.status(id)
  }

  async status (id: string): Promise<ResumableUpload> {
    const upload = this.made.get(id)
    if (upload == null) throw new ServiceError(404, 'there is no such upload')
    const isDone = upload.offset === upload.size
    return {
      id, state: isDone ? 'done' : 'open', offset: upload.offset, length: upload.size, name: upload.name, content_type: '',
      cid: isDone ? `cid of ${upload.name}` : null, error: null, created_at: '', expires_at: ''
    }
  }

  async delete (id: string): Promise<void> { this.made.delete(id) }
}

class Records {
  readonly kept = new Map<string, UploadRecord>()
  async all (owner: string): Promise<UploadRecord[]> { return [...this.kept.values()].filter(record => record.owner === owner) }
  async put (records: readonly UploadRecord[]): Promise<void> { for (const record of records) this.kept.set(record.id, record) }
  async remove (id: string): Promise<void> { this.kept.delete(id) }
}

const picked = (name: string, text: string) => pickedFile(new File([text], name, { lastModified: 5 }))
const choice = { pin: 'now', group: null } as const

async function world ({ whole }: Pick<UploadQueueDeps, 'whole'> = {}) {
  const uploads = new FakeUploads()
  const records = new Records()
  let ids = 0
  const waits: number[] = []
  const clock = {
    now: () => 0,
    sleep: async (ms: number, signal: AbortSignal) => {
      waits.push(ms); await new Promise(resolve => { setImmediate(resolve) }); signal.throwIfAborted()
    }
  }
  const open = async (): Promise<UploadQueue> => {
    const queue = new UploadQueue({ parallel: 2 }, {
      uploads, records, clock, newId: () => `i${++ids}`, ...(whole == null ? {} : { whole })
    })
    await queue.setOwner('alice')
    return queue
  }
  return { uploads, records, waits, open, queue: await open() }
}
const statesOf = (queue: UploadQueue): string[] => queue.items.get().map(({ name, state }) => `${name} ${state}`)
const become = async (queue: UploadQueue, ...states: string[]): Promise<void> => pollUntil(
  async () => statesOf(queue).join() === states.join(), { everyMs: 2, withinMs: 3000, what: `${states.join()} (${statesOf(queue).join()})` }
)

describe('uploads of a page', () => {
  it('are sent, and keep nothing when they are done', async () => {
    const { queue, records } = await world()

    queue.add([picked('a', 'x'.repeat(35)), picked('empty', ''), picked('b', 'y')], choice)
    await become(queue, 'a done', 'empty done', 'b done')

    assert.deepEqual(queue.items.get().map(({ cid }) => cid), ['cid of a', 'cid of empty', 'cid of b'])
    assert.equal(records.kept.size, 0)
    queue.clear()
    assert.deepEqual(queue.items.get(), [])
  })

  it('go in one request when they are small, again and again if need be', async () => {
    const sent: string[] = []
    const failures = [new ServiceError(503, 'not yet')]
    const { queue, uploads, records } = await world({
      whole: {
        bytes: 20,
        send: async ({ name, content }) => {
          sent.push(`${name} ${content.size}`)
          const failure = failures.shift()
          if (failure != null) throw failure
          return { cid: `whole ${name}` }
        }
      }
    })

    queue.add([picked('small', 'x'.repeat(20)), picked('large', 'x'.repeat(21))], choice)
    await become(queue, 'small done', 'large done')

    assert.deepEqual([sent, uploads.created, records.kept.size], [['small 20', 'small 20'], 1, 0])
    assert.deepEqual(queue.items.get().map(({ cid }) => cid), ['whole small', 'cid of large'])
  })

  it('ask for a file that the browser wants to be asked for', async () => {
    const { queue, uploads, open } = await world()
    const gate = Promise.withResolvers<void>()
    uploads.gate = gate.promise
    let answer = 'prompt'
    const file = new File(['x'.repeat(35)], 'a', { lastModified: 5 })
    const handle = {
      kind: 'file', name: 'a', getFile: async () => file, queryPermission: async () => answer,
      requestPermission: async () => { answer = 'granted'; return answer }
    }
    queue.add([pickedFile(file, handle as unknown as FileSystemHandle)], choice)
    await pollUntil(async () => uploads.created === 1, { everyMs: 2 })
    await queue.setOwner(null)
    gate.resolve()

    const again = await open()
    await become(again, 'a needs-permission')
    await again.allow('i1')

    await become(again, 'a done')
    assert.equal(uploads.created, 1)
  })

  it('stop when they are told to, and go on from there', async () => {
    const { queue, uploads, records } = await world()
    const gate = Promise.withResolvers<void>()
    uploads.gate = gate.promise
    queue.add([picked('a', 'x'.repeat(35))], choice)
    await pollUntil(async () => uploads.created === 1, { everyMs: 2 })

    queue.pause('i1')
    gate.resolve()
    assert.deepEqual([statesOf(queue), [...records.kept.values()].map(({ isPaused }) => isPaused)], [['a paused'], [true]])
    queue.resume('i1')

    await become(queue, 'a done')
    assert.equal(uploads.created, 1)
  })

  it('try again what nobody answers, later and later, and give up what is refused', async () => {
    const { queue, uploads, waits } = await world()
    uploads.failures = [
      new ServiceError(0, 'away'), new ServiceError(503, 'not yet', { retryAfterSeconds: 7 }), new ServiceError(0, 'away')
    ]
    queue.add([picked('a', 'x'.repeat(15))], choice)
    await become(queue, 'a done')
    assert.deepEqual(waits, [1000, 7000, 4000])

    uploads.failures = [new ServiceError(422, 'it does not fit')]
    queue.add([picked('b', 'y')], choice)
    await become(queue, 'a done', 'b failed')
    assert.equal(queue.items.get()[1]?.error, 'It does not fit.')
    queue.resume('i2')
    await become(queue, 'a done', 'b done')
  })

  it('begin anew when the service has forgotten them', async () => {
    const { queue, uploads } = await world()
    const gate = Promise.withResolvers<void>()
    uploads.gate = gate.promise
    queue.add([picked('a', 'x'.repeat(35))], choice)
    await pollUntil(async () => uploads.created === 1, { everyMs: 2 })
    queue.pause('i1')
    gate.resolve()
    uploads.made.clear()

    queue.resume('i1')

    await become(queue, 'a done')
    assert.equal(uploads.created, 2)
  })

  it('wait for their files after a reload, and go on with the same ones only', async () => {
    const { queue, uploads, open } = await world()
    const gate = Promise.withResolvers<void>()
    uploads.gate = gate.promise
    queue.add([picked('a', 'x'.repeat(35))], choice)
    await pollUntil(async () => uploads.created === 1, { everyMs: 2 })
    await queue.setOwner(null)
    gate.resolve()

    const again = await open()
    await become(again, 'a needs-files')
    const other = picked('a', 'x'.repeat(36))
    assert.deepEqual(again.choose([other]), [other])
    assert.deepEqual(again.choose([picked('a', 'x'.repeat(35))]), [])

    await become(again, 'a done')
    assert.equal(uploads.created, 1)
  })

  it('stop for who is logged out, go on for the same, and are not those of another', async () => {
    const { queue, uploads } = await world()
    const gate = Promise.withResolvers<void>()
    uploads.gate = gate.promise
    queue.add([picked('a', 'x'.repeat(35))], choice)
    await pollUntil(async () => uploads.created === 1, { everyMs: 2 })

    await queue.setOwner(null)
    assert.deepEqual(statesOf(queue), ['a signed-out'])
    await queue.setOwner('alice')
    gate.resolve()
    await become(queue, 'a done')
    await queue.setOwner('bob')

    assert.deepEqual(statesOf(queue), [])
  })

  it('end at the service, too, when they are cancelled', async () => {
    const { queue, uploads, records } = await world()
    uploads.gate = new Promise(() => {})
    queue.add([picked('a', 'x'.repeat(35))], choice)
    await pollUntil(async () => uploads.created === 1 && [...records.kept.values()][0]?.uploadId != null, { everyMs: 2 })

    await queue.cancel('i1')

    assert.deepEqual([statesOf(queue), uploads.made.size, records.kept.size], [[], 0, 0])
  })
})

describe('what uploads are made of', () => {
  it('is known again by names, sizes and times, in one order', () => {
    const files = ['b/2', 'a', 'b/10'].map(path => ({ path, file: new File([path], path, { lastModified: 1 }) }))
    const marks = marksOf({ files: inOrder(files) })

    assert.deepEqual(marks.map(({ path }) => path), ['a', 'b/10', 'b/2'])
    assert.equal(isSame(marks, { files: inOrder(files.toReversed()) }), true)
    assert.equal(
      isSame(marks, { files: inOrder(files).map(one => ({ ...one, file: new File([one.path], one.path, { lastModified: 2 }) })) }), false
    )
  })

  it('goes in requests of about a second', () => {
    const pace = new Pace()
    const [first, fast] = [pace.next(0), (pace.done(512 * 1024, 10), pace.next(10))]
    pace.done(fast, 20_000)
    const slow = pace.next(20_000)

    assert.deepEqual([first, fast, slow], [512 * 1024, 1024 * 1024, 256 * 1024])
  })

  it('tells how fast it is of the last seconds', () => {
    const speed = new Speed()
    speed.note(0, 0)
    assert.equal(speed.perSecond(0), null)
    speed.note(1000, 1000)

    assert.equal(speed.perSecond(1000), 1000)
    assert.equal(Math.round(speed.perSecond(4000) ?? 0), 250)
  })

  it('knows which errors pass', () => {
    assert.deepEqual(
      [0, 401, 404, 409, 413, 422, 429, 503].map(status => failureOf(new ServiceError(status, ''))),
      ['again', 'signed-out', 'lost', 'elsewhere', 'for-good', 'for-good', 'again', 'again']
    )
    assert.deepEqual([waitMs(0, null), waitMs(99, null), waitMs(0, 3)], [1000, 30_000, 3000])
  })

  it('adds up', () => {
    const item = {
      id: '', kind: 'file', name: '', fileCount: 1, bytesPerSecond: null, error: null, nextTryAt: null, cid: null, pin: 'now'
    } as const
    const totals = totalsOf(
      [
        { ...item, state: 'sending', sizeBytes: 100, sentBytes: 50, bytesPerSecond: 25 },
        { ...item, state: 'done', sizeBytes: 10, sentBytes: 10 }, { ...item, state: 'paused', sizeBytes: 40, sentBytes: 0 }
      ]
    )

    assert.deepEqual(totals, {
      count: 3, done: 1, failed: 0, underWay: 1, stopped: 1, sizeBytes: 150, sentBytes: 60, bytesPerSecond: 25, leftMs: 2000
    })
  })
})
