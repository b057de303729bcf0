import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../../../src/base/log.ts'
import { systemRandom } from '../../../src/base/system.ts'
import { WorkerRunner } from '../../../src/base/worker.ts'
import type { PeerId } from '../../../src/model/cid.ts'
import { ServiceIdentity } from '../../../src/service/identity/service-identity.ts'
import { SimClock } from '../../support/sim-clock.ts'

const [here, there] = ['here', 'there'] as PeerId[] as [PeerId, PeerId]
const quietMs = 15_000

/** A peer whose cluster announces what the test says. */
async function peerWith (own: string) {
  const clock = new SimClock()
  const announced: Array<{ peer: PeerId, value: string }> = []
  const members: PeerId[] = [here]
  const told: Array<string | undefined> = []
  const workers = new WorkerRunner({ clock, random: systemRandom, log: silentLogger })
  const identity = new ServiceIdentity({ self: here, quietMs }, {
    database: { serviceId: () => own }, announced: () => announced, members: () => members,
    announceSoon: () => { told.push(identity.ownId()) }, workers, clock, log: silentLogger
  })
  await workers.start()
  await identity.start()
  return { identity, clock, announced, members, told, stop: async () => workers.stop() }
}

describe('the identity of a service', () => {
  it('is announced once others had the time to tell theirs', async () => {
    const { identity, clock, stop } = await peerWith('b')
    assert.equal(identity.ownId(), undefined)
    assert.equal(identity.refusal(), null)

    await clock.advance(quietMs)

    assert.equal(identity.ownId(), 'b')
    await stop()
  })

  it('is announced again when there is somebody new', async () => {
    const { clock, members, told, stop } = await peerWith('b')
    members.push(there)
    await clock.advance(quietMs + 1000)
    const before = told.length

    members.push('third' as PeerId)
    await clock.advance(1000)
    await clock.advance(5000)

    assert.deepEqual(told.slice(before), ['b'])
    await stop()
  })

  it('keeps a peer from serving whose database is another one than the cluster announces', async () => {
    for (const other of ['a', 'c']) {
      const { identity, clock, announced, stop } = await peerWith('b')
      announced.push({ peer: there, value: other })

      await clock.advance(1000)
      assert.equal(identity.refusal()?.code, 'NOT_READY')
      await clock.advance(quietMs * 2)

      assert.equal(identity.refusal()?.details.service, other)
      assert.equal(identity.ownId(), undefined)
      await stop()
    }
  })

  it('serves when the cluster announces the same database', async () => {
    const { identity, clock, announced, stop } = await peerWith('b')
    announced.push({ peer: there, value: 'b' }, { peer: here, value: 'b' })

    await clock.advance(quietMs)

    assert.equal(identity.refusal(), null)
    assert.equal(identity.ownId(), 'b')
    await stop()
  })

  it('serves again when the other one is no longer announced', async () => {
    const { identity, clock, announced, stop } = await peerWith('b')
    announced.push({ peer: there, value: 'a' })
    await clock.advance(quietMs)
    announced.length = 0

    await clock.advance(1000)

    assert.equal(identity.refusal(), null)
    assert.equal(identity.ownId(), 'b')
    await stop()
  })

  it('lets the one with the lesser UUID serve when both were announced before they met', async () => {
    const [lesser, greater] = [await peerWith('a'), await peerWith('b')]
    for (const { clock } of [lesser, greater]) await clock.advance(quietMs)
    lesser.announced.push({ peer: there, value: 'b' })
    greater.announced.push({ peer: there, value: 'a' })

    for (const { clock } of [lesser, greater]) await clock.advance(1000)

    assert.equal(lesser.identity.refusal(), null)
    assert.notEqual(greater.identity.refusal(), null)
    for (const { stop } of [lesser, greater]) await stop()
  })
})
