import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pingInformer } from '../../../../src/informer/ping/ping-informer.ts'
import type { IpfsId } from '../../../../src/model/peer.ts'
import { SimClock } from '../../../support/sim-clock.ts'

const good: IpfsId = { id: '12D3KooWNode', addresses: ['/ip4/127.0.0.1/tcp/4001', '/ip4/1.2.3.4/tcp/4001/p2p/12D3KooWNode'], error: '' }
const away: IpfsId = { id: '', addresses: null, error: 'connection refused' }

function pinging (answer: () => Promise<IpfsId>) {
  const clock = new SimClock()
  return { clock, informer: pingInformer({ peerName: 'me', pingIntervalMs: 15_000 }, { ipfs: { id: answer }, clock }) }
}

const goodValue = '{"peer_name":"me","ipfs_id":"12D3KooWNode","ipfs_addresses":["/ip4/1.2.3.4/tcp/4001/p2p/12D3KooWNode"]}'

describe('ping informer', () => {
  it('tells name, IPFS node and the addresses that others can reach, for twice the interval', async () => {
    const { informer } = pinging(async () => good)

    const [metric] = await informer.metrics('self')

    assert.deepEqual(
      [metric?.name, metric?.value, metric?.weight, metric?.partitionable, metric?.valid], ['ping', goodValue, 0n, false, true]
    )
    assert.equal(informer.ttlMs, 30_000)
  })

  it('leaves out addresses when there are none', async () => {
    const { informer } = pinging(async () => ({ ...good, addresses: ['/ip4/127.0.0.1/tcp/4001'] }))

    const [metric] = await informer.metrics('self')

    assert.equal(metric?.value, '{"peer_name":"me","ipfs_id":"12D3KooWNode"}')
  })

  it('repeats the last good value while the node is away', async () => {
    let answer = good
    const { informer } = pinging(async () => answer)
    await informer.metrics('self')

    answer = away
    const [metric] = await informer.metrics('self')

    assert.equal(metric?.value, goodValue)
  })

  it('tells at least the name before the node ever answered', async () => {
    const { informer } = pinging(async () => away)

    const [metric] = await informer.metrics('self')

    assert.equal(metric?.value, '{"peer_name":"me"}')
  })

  it('does not wait longer than half an interval for a slow node', async () => {
    let answer = Promise.resolve(good)
    const { informer, clock } = pinging(() => answer)
    await informer.metrics('self')

    answer = new Promise<IpfsId>(() => {})
    const asked = informer.metrics('self')
    await clock.advance(7500)
    const [metric] = await asked

    assert.equal(metric?.value, goodValue)
    assert.equal(clock.pending, 0)
  })
})
