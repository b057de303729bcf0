import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../../src/base/errors.ts'
import { Durability } from '../../../../src/service/sql/sqlite/durability.ts'

/** A disk that syncs when the test says so. */
class HeldDisk {
  syncs = 0
  readonly #waiting: Array<{ resolve: () => void, reject: (err: Error) => void }> = []

  async sync (): Promise<void> {
    this.syncs++
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ resolve, reject })
    await promise
  }

  async close (): Promise<void> {}
  finish (): void { this.#waiting.shift()?.resolve() }
  fail (): void { this.#waiting.shift()?.reject(new Error('EIO')) }
}

const settled = async (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('durability of SQLite commits', () => {
  it('waits for a sync that began after the write', async () => {
    const disk = new HeldDisk()
    const durability = new Durability(disk)
    const order: string[] = []

    const first = durability.written().then(() => order.push('first'))
    const second = durability.written().then(() => order.push('second'))
    const third = durability.written().then(() => order.push('third'))
    await settled()
    assert.deepEqual([disk.syncs, order], [1, []])
    disk.finish()
    await first
    await settled()
    assert.deepEqual([disk.syncs, order], [2, ['first']])
    disk.finish()
    await Promise.all([second, third])

    assert.deepEqual([disk.syncs, order], [2, ['first', 'second', 'third']])
  })

  it('trusts the disk no more after a failure', async () => {
    const disk = new HeldDisk()
    const durability = new Durability(disk)
    const isFailure = (err: unknown): boolean => isClusterError(err, 'INTERNAL')

    const first = assert.rejects(durability.written(), isFailure)
    const second = assert.rejects(durability.written(), isFailure)
    disk.fail()
    await Promise.all([first, second])

    await assert.rejects(durability.written(), isFailure)
    assert.equal(disk.syncs, 1)
  })
})
