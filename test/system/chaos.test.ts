import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chaosCluster } from '../chaos/chaos-cluster.ts'
import { chaosRound } from '../chaos/chaos-round.ts'
import { faultKinds } from '../chaos/schedule.ts'
import { programFile } from '../support/programs.ts'

/** Every kind of trouble is in one of them. More: npm run chaos. */
const seeds = [17, 13]

describe('real peers in trouble', { skip: process.platform === 'linux' ? false : "needs Linux's /proc", timeout: 300_000 }, () => {
  it('lose nothing acknowledged, bring nothing back, and agree in the end', async () => {
    const cluster = await chaosCluster(3, { daemon: programFile('service') })
    try {
      await Promise.all(cluster.peers.map(async peer => peer.start()))
      await cluster.whole()
      const kinds = faultKinds.filter(kind => kind !== 'fill' || cluster.hasSmallDisks)
      let before: ReadonlyMap<string, 'in' | 'out'> = new Map()
      for (const seed of seeds) {
        const { faults, after, troubles, acknowledged } = await chaosRound(cluster, { seed, kinds, lengthMs: 1000, before })
        assert.deepEqual(faults, [], `npm run chaos; seed ${seed}: ${troubles.join('; ')}`)
        assert.ok(acknowledged > 0)
        before = after
      }
    } finally {
      await cluster.remove()
    }
  })
})
