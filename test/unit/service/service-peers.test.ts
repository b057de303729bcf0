import assert from 'node:assert/strict'
import { afterEach, it } from 'node:test'
import { isClusterError } from '../../../src/base/errors.ts'
import { systemClock } from '../../../src/base/system.ts'
import type { Worker } from '../../../src/base/worker.ts'
import { ServicePeers } from '../../../src/service/identity/service-peers.ts'
import type { StagingPlace } from '../../../src/service/staging/staging.ts'
import { eachDatabase } from '../../support/service-database.ts'
import type { TestPeer } from '../../support/service-database.ts'

const folder: StagingPlace = { id: 'some-uuid', name: 'the folder staging' }
const other: StagingPlace = { id: 'other-uuid', name: 'the folder staging' }
const bucket: StagingPlace = { id: 'bucket uploads', name: 'the bucket uploads' }
const isRefusal = (names: RegExp) => (err: unknown): boolean => isClusterError(err, 'NOT_READY') && names.test(err.message)

eachDatabase('peers of one service', databases => {
  const running: ServicePeers[] = []
  afterEach(async () => { for (const one of running.splice(0)) await one.stop() })

  const come = async ({ database, workers, log }: TestPeer, self: string, place: StagingPlace): Promise<ServicePeers> => {
    const peers = new ServicePeers({ self }, { database, staging: { place }, workers, log })
    await peers.start()
    running.push(peers)
    return peers
  }

  it('serve together from one place', async () => {
    const peer = await databases.open()

    const both = [await come(peer, 'one', bucket), await come(peer, 'two', bucket)]

    assert.deepEqual(both.map(one => one.refusal()), [null, null])
  })

  it('refuse to serve beside one that keeps uploads elsewhere', async () => {
    const peer = await databases.open()
    await come(peer, 'one', folder)

    await assert.rejects(
      come(peer, 'two', other),
      isRefusal(/peer one .* its folder staging, .* in the folder staging, which is another: .*api\.service\.staging/)
    )
    await assert.rejects(come(peer, 'two', bucket), isRefusal(/the bucket uploads/))
    await come(peer, 'two', folder)
  })

  it('serve one after the other, wherever they keep uploads', async () => {
    const peer = await databases.open()
    const first = await come(peer, 'one', folder)
    await first.stop()

    await come(peer, 'two', bucket)
  })

  it('come at the same time, and one of them serves', async () => {
    const peer = await databases.open()

    const results = await Promise.allSettled(['one', 'two', 'three'].map(async self => come(peer, self, { id: self, name: 'a folder' })))

    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  })

  it('are missed a minute after they were killed; who stood still so long refuses when another has come', async () => {
    let late = 0
    const peer = await databases.open({ clock: { ...systemClock, now: () => systemClock.now() + late } })
    // PostgreSQL's peers have the time of their server, which no test moves
    const database = {
      now: () => systemClock.now() + late, transaction: peer.database.transaction.bind(peer.database)
    } as TestPeer['database']
    let renewal: Worker | undefined
    const workers = { add: (worker: Worker) => {
      renewal = worker
      return { wake: () => {}, stop: async () => {} }
    } } as unknown as TestPeer['workers']
    const stoodStill = await come({ ...peer, database, workers }, 'one', folder)
    late = 50_000
    await assert.rejects(come({ ...peer, database }, 'two', bucket), isRefusal(/peer one/))

    late = 61_000
    const second = await come({ ...peer, database }, 'two', bucket)
    await renewal?.work(new AbortController().signal)
    const refused = stoodStill.refusal()
    await second.stop()
    await renewal?.work(new AbortController().signal)

    assert.ok(isRefusal(/peer two/)(refused))
    assert.equal(stoodStill.refusal(), null)
  })
})
