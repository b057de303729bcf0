import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Logger } from '../../../../src/base/log.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { WorkerRunner } from '../../../../src/base/worker.ts'
import { AutomaticCollection, isAboveWatermark } from '../../../../src/cluster/repo/automatic-collection.ts'
import type { CollectionOptions } from '../../../../src/ipfs/ipfs.ts'
import type { RemovedKey } from '../../../../src/model/peer.ts'
import { NotedLogger } from '../../../support/noted-logger.ts'
import { SeededRandom, SimClock } from '../../../support/sim-clock.ts'
import { aCid, aPin } from '../../../support/cluster/values.ts'

const minute = 60_000

/** A repository of 1000 bytes of which `garbage` is needed by no pin. */
class Repository {
  repoSize: number
  garbage: number
  /** When there was one. Seconds. */
  readonly collections: number[] = []
  readonly wanted: string[] = []
  readonly #clock: SimClock

  constructor (clock: SimClock, { repoSize, garbage }: { repoSize: number, garbage: number }) {
    this.repoSize = repoSize
    this.garbage = garbage
    this.#clock = clock
  }

  async repoStat (): Promise<{ repoSize: number, storageMax: number, freeBytes: number }> {
    return { repoSize: this.repoSize, storageMax: 1000, freeBytes: Math.max(0, 1000 - this.repoSize) }
  }

  async * repoGc ({ wanted }: CollectionOptions = {}): AsyncGenerator<RemovedKey> {
    this.collections.push(this.#clock.now() / 1000)
    for await (const pins of wanted?.() ?? []) this.wanted.push(...pins.map(({ cid }) => cid.toString()))
    this.repoSize -= this.garbage
    this.garbage = 0
    yield { key: aCid(1), error: '' }
  }
}

async function run (repository: Repository, { clock, minutes, log = silentLogger }: {
  clock: SimClock, minutes: number, log?: Logger
}): Promise<void> {
  const runner = new WorkerRunner({ clock, random: new SeededRandom(1), log: silentLogger })
  const wanted = async function * (): AsyncGenerator<Array<ReturnType<typeof aPin>>> { yield [aPin({ cid: aCid(7) })] }
  runner.add(new AutomaticCollection(0.9, { ipfs: repository, wanted, clock, log }).worker())
  await runner.start()
  await clock.advance(minutes * minute)
  await runner.stop()
}

describe('a collection that comes by itself', () => {
  it('comes within two seconds when the repository is nearly full, keeps what the pinset wants, and then no more', async () => {
    const clock = new SimClock(0)
    const repository = new Repository(clock, { repoSize: 900, garbage: 300 })

    await run(repository, { clock, minutes: 200 })

    assert.deepEqual(repository.collections, [2])
    assert.deepEqual(repository.wanted, [aCid(7).toString()])
  })

  it('does not come before', async () => {
    const clock = new SimClock(0)
    const repository = new Repository(clock, { repoSize: 899, garbage: 899 })

    await run(repository, { clock, minutes: 200 })

    assert.deepEqual(repository.collections, [])
  })

  it('is tried less and less often, down to once an hour, where all is pinned; and says what to do', async () => {
    const clock = new SimClock(0)
    const repository = new Repository(clock, { repoSize: 950, garbage: 0 })
    const log = new NotedLogger()

    await run(repository, { clock, minutes: 250, log })

    assert.deepEqual(repository.collections, [2, 6, 14, 30, 62, 126, 254, 510, 1022, 2046, 4094, 7694, 11294, 14894])
    assert.match(log.lines[0]?.message ?? '', /raise storage_max or unpin/)
  })

  it('counts the room of the disk where that is less, and nothing of an empty repository on a full disk', () => {
    assert.equal(isAboveWatermark({ repoSize: 90, freeBytes: 10 }, 0.9), true)
    assert.equal(isAboveWatermark({ repoSize: 90, freeBytes: 11 }, 0.9), false)
    assert.equal(isAboveWatermark({ repoSize: 0, freeBytes: 0 }, 0.9), false)
  })
})
