import assert from 'node:assert/strict'
import { it } from 'node:test'
import { silentLogger } from '../../../../src/base/log.ts'
import { StatusFollower } from '../../../../src/service/cluster-pins/status-follower.ts'
import { FakeCluster } from '../../../support/fake-cluster.ts'
import { SimClock } from '../../../support/sim-clock.ts'
import { eachDatabase } from '../../../support/service-database.ts'

const { signal } = new AbortController()

eachDatabase('the comparison of all statuses', databases => {
  for (const wrongMs of [-3_600_000, 3_600_000]) {
    it(`comes every ten minutes, though the clock is set by ${wrongMs} ms`, async () => {
      const clock = new SimClock()
      const { database } = await databases.open()
      const follower = new StatusFollower({
        cluster: new FakeCluster(), database, listeners: [], clock, log: silentLogger, changed: () => {}
      })
      const first = await follower.work(signal)
      clock.wrongMs = wrongMs

      const soon = await follower.work(signal)
      await clock.advance(600_000)
      const later = await follower.work(signal)

      assert.deepEqual([first, soon, later], ['busy', 'idle', 'busy'])
    })
  }
})
