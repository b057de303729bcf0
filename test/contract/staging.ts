import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { ClusterError, isClusterError } from '../../src/base/errors.ts'
import type { StagedObject, Staging } from '../../src/service/staging/staging.ts'
import { quietMs } from '../support/poll.ts'

export interface StagingSubject {
  staging: Staging
  /** Another handle on the same storage, for use after `staging` was stopped. */
  reopen: () => Staging
  close (): Promise<void>
}

export interface StagingContractInit {
  /** Why it can't be tested here. */
  missing?: string | undefined
  /** Size of the pieces that the implementation makes durable one by one. */
  pieceBytes: number
}

const never = new AbortController().signal
const codeIs = (code: string) => (err: unknown): boolean => isClusterError(err) && err.code === code

/** Bytes that tell where they are. */
function bytesFrom (start: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at++) bytes[at] = (start + at) * 31 % 251
  return bytes
}

async function * inPieces (bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

async function * thenFails (bytes: Uint8Array, err: unknown): AsyncGenerator<Uint8Array> {
  yield * inPieces(bytes, 10_000)
  throw err
}

async function all (source: AsyncIterable<Uint8Array>): Promise<Buffer> { return Buffer.concat(await Array.fromAsync(source)) }

/** The promises of `Staging`. */
export function stagingContract (name: string, { missing, pieceBytes }: StagingContractInit, open: () => Promise<StagingSubject>): void {
  if (missing != null) {
    describe(`staging contract: ${name}`, { skip: missing }, () => { it('is not tested here', () => {}) })
    return
  }
  describe(`staging contract: ${name}`, { timeout: quietMs(60_000) }, () => {
    let subject: StagingSubject
    let staging: Staging
    const put = async (key: string, bytes: Uint8Array): Promise<{ sizeBytes: number }> => staging.put(key, inPieces(bytes, 10_000))
    const append = async (key: string, offset: number, length: number): Promise<number> =>
      staging.append(key, offset, inPieces(bytesFrom(offset, length), 10_000))
    const keys = async (): Promise<StagedObject[]> => (await Array.fromAsync(staging.keys())).toSorted((a, b) => a.key < b.key ? -1 : 1)
    const reopened = async (): Promise<void> => {
      await staging.stop()
      staging = subject.reopen()
      await staging.start(never)
    }

    beforeEach(async () => {
      subject = await open()
      staging = subject.staging
      await staging.start(never)
    })

    afterEach(async () => {
      await staging.stop()
      await subject.close()
    })

    it('says the same of where it is to everybody who sees the same objects, and has no object for that', async () => {
      const { id, name } = staging.place

      await reopened()

      assert.equal(staging.place.id, id)
      assert.ok(id !== '' && name !== '')
      assert.deepEqual(await keys(), [])
    })

    it('gives back what was put, whole and in part, also to the next process', async () => {
      const bytes = bytesFrom(0, 100_000)

      const { sizeBytes } = await put('key', bytes)
      await reopened()

      assert.equal(sizeBytes, 100_000)
      assert.equal(await staging.size('key'), 100_000)
      assert.deepEqual(await all(staging.read('key')), bytes)
      assert.deepEqual(await all(staging.read('key', { offset: 99_990 })), bytes.subarray(99_990))
      assert.deepEqual(await all(staging.read('key', { offset: 5000, length: 7 })), bytes.subarray(5000, 5007))
      assert.deepEqual(await all(staging.read('key', { offset: 99_999, length: 50 })), bytes.subarray(99_999))
      assert.equal((await all(staging.read('key', { offset: 100_000 }))).length, 0)
      assert.equal((await all(staging.read('key', { length: 0 }))).length, 0)
    })

    it('keeps objects without a byte', async () => {
      await put('none', Buffer.alloc(0))
      await append('nothing-yet', 0, 0)

      assert.deepEqual([await staging.size('none'), (await all(staging.read('none'))).length], [0, 0])
      assert.deepEqual([await staging.size('nothing-yet'), (await all(staging.read('nothing-yet'))).length], [0, 0])
    })

    it('takes more than one piece, and pieces of any size', async () => {
      const bytes = bytesFrom(0, pieceBytes * 2 + 12_345)

      await staging.put('large', inPieces(bytes, 1_000_003))
      await staging.put('crumbs', inPieces(bytes.subarray(0, 5000), 1))

      assert.equal(digest(await all(staging.read('large'))), digest(bytes))
      assert.deepEqual(
        await all(staging.read('large', { offset: pieceBytes - 5, length: 10 })), bytes.subarray(pieceBytes - 5, pieceBytes + 5)
      )
      assert.deepEqual(await all(staging.read('crumbs')), bytes.subarray(0, 5000))
    })

    it('keeps nothing of a put whose source fails, and passes the error on as it is', async () => {
      const fault = new ClusterError('QUOTA_EXCEEDED')

      await assert.rejects(staging.put('small', thenFails(bytesFrom(0, 1000), fault)), err => err === fault)
      await assert.rejects(staging.put('large', thenFails(bytesFrom(0, pieceBytes * 2), fault)), err => err === fault)

      assert.deepEqual([await staging.size('small'), await staging.size('large'), await keys()], [null, null, []])
    })

    it('ends a put and an append with the reason of the signal', async () => {
      const stop = new AbortController()
      const reason = new Error('the client went away')
      async function * endless (): AsyncGenerator<Uint8Array> {
        for (let count = 0; ; count++) {
          if (count === 3) stop.abort(reason)
          yield bytesFrom(0, 1000)
        }
      }

      await assert.rejects(staging.put('one', endless(), { signal: stop.signal }), err => err === reason)
      await assert.rejects(staging.append('two', 0, endless(), { signal: stop.signal }), err => err === reason)

      assert.equal(await staging.size('one'), null)
    })

    it('lets an object grow where it ended, also in the next process', async () => {
      const first = await append('grows', 0, 30_000)
      await reopened()
      const second = await append('grows', 30_000, pieceBytes + 1)

      assert.deepEqual([first, second], [30_000, 30_000 + pieceBytes + 1])
      assert.equal(await staging.size('grows'), second)
      assert.equal(digest(await all(staging.read('grows'))), digest(bytesFrom(0, second)))
      assert.deepEqual(await all(staging.read('grows', { offset: 29_990, length: 20 })), bytesFrom(29_990, 20))
    })

    it('tells what is safe while it comes, and makes safe what came before the source failed', async () => {
      const told: number[] = []
      const onDurable = async (offset: number): Promise<void> => { told.push(offset) }
      const fault = new Error('the line is cut')

      await assert.rejects(
        staging.append('cut', 0, thenFails(bytesFrom(0, pieceBytes * 2 + 40_000), fault), { onDurable }), err => err === fault
      )

      assert.equal(told.at(-1), pieceBytes * 2 + 40_000)
      assert.ok(told.length >= 2, `told ${told.length} times`)
      assert.deepEqual(told, told.toSorted((a, b) => a - b))
      assert.equal(await staging.size('cut'), pieceBytes * 2 + 40_000)
    })

    it('goes back to an offset that was told, and forgets what was beyond', async () => {
      await append('back', 0, 20_000)
      await append('back', 20_000, 20_000)
      const other = Buffer.alloc(100, 7)

      const size = await staging.append('back', 20_000, inPieces(other, 50))

      assert.equal(size, 20_100)
      assert.deepEqual(await all(staging.read('back')), Buffer.concat([bytesFrom(0, 20_000), other]))
    })

    it('ends an append whose offset nobody can write down, and keeps what was told before', async () => {
      const fault = new ClusterError('NOT_READY')
      const told: number[] = []
      const onDurable = async (offset: number): Promise<void> => {
        if (told.length > 0) throw fault
        told.push(offset)
      }

      await assert.rejects(staging.append('lost', 0, inPieces(bytesFrom(0, pieceBytes * 3), 100_000), { onDurable }), err => err === fault)
      const [safe = 0] = told
      const size = await append('lost', safe, 10)

      assert.ok(safe > 0)
      assert.equal(size, safe + 10)
      assert.equal(digest(await all(staging.read('lost'))), digest(bytesFrom(0, size)))
    })

    it('refuses an offset beyond the end', async () => {
      await append('gap', 0, 100)

      await assert.rejects(append('gap', 101, 1), codeIs('INVALID_DATA'))
      assert.equal(await staging.size('gap'), 100)
    })

    it('lets one at a time append', async () => {
      const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
      const { promise: begun, resolve: hasBegun } = Promise.withResolvers<void>()
      async function * slow (): AsyncGenerator<Uint8Array> {
        hasBegun()
        await held
        yield bytesFrom(0, 10)
      }

      const first = staging.append('busy', 0, slow())
      await begun

      await assert.rejects(append('busy', 0, 5), codeIs('CONFLICT'))
      letGo()
      assert.equal(await first, 10)
      assert.equal(await append('busy', 10, 5), 15)
    })

    it('lists what is there, with size, age and kind', async () => {
      const before = Date.now() - 5000
      await put('b-whole', bytesFrom(0, 1234))
      await append('a-open', 0, 20)
      await append('a-open', 20, 30)

      const found = await keys()

      assert.deepEqual(
        found.map(({ key, sizeBytes, isOpen }) => [key, sizeBytes, isOpen]), [['a-open', 50, true], ['b-whole', 1234, false]]
      )
      assert.ok(found.every(({ changedAt }) => changedAt > before && changedAt < Date.now() + 5000))
    })

    it('removes whatever has the key, and minds nothing that is not there', async () => {
      await put('gone', bytesFrom(0, 10))
      await append('open-gone', 0, 10)
      await append('open-gone', 10, 10)
      await put('stays', bytesFrom(0, 10))

      for (const key of ['gone', 'open-gone', 'never-there']) await staging.remove(key)

      assert.deepEqual((await keys()).map(({ key }) => key), ['stays'])
      assert.deepEqual([await staging.size('gone'), await staging.size('open-gone')], [null, null])
      await assert.rejects(all(staging.read('gone')), codeIs('NOT_FOUND'))
      await assert.rejects(all(staging.read('open-gone')), codeIs('NOT_FOUND'))
    })

    it('takes no other keys than its own', async () => {
      for (const key of ['', '../x', 'a/b', 'a.b', 'ä', 'x'.repeat(129)]) {
        await assert.rejects(put(key, Buffer.alloc(1)), codeIs('INVALID_ARGUMENT'), key)
        await assert.rejects(all(staging.read(key)), codeIs('INVALID_ARGUMENT'), key)
        await assert.rejects(staging.remove(key), codeIs('INVALID_ARGUMENT'), key)
      }
    })

    it('stops reading when the reader does', async () => {
      await put('half', bytesFrom(0, pieceBytes))

      for await (const piece of staging.read('half')) {
        assert.ok(piece.length > 0)
        break
      }

      await staging.remove('half')
      assert.equal(await staging.size('half'), null)
    })
  })
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
