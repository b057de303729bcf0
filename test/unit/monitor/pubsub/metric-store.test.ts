import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Metric } from '../../../../src/model/metric.ts'
import { MetricStore } from '../../../../src/monitor/pubsub/metric-store.ts'

const metric = (name: string, peer: string, value = ''): Metric => ({
  name, peer, value, expire: 0n, valid: true, weight: 0n, partitionable: false, receivedAt: 0n
})

describe('metric store', () => {
  it('keeps names and peers apart', () => {
    const store = new MetricStore()

    store.add(metric('ping', 'b', 'ping of b'))
    store.add(metric('ping', 'a', 'ping of a'))
    store.add(metric('freespace', 'a', '5'))

    assert.deepEqual(store.latestOfAll('ping').map(one => one.value), ['ping of a', 'ping of b'])
    assert.equal(store.latest('freespace', 'a')?.value, '5')
    assert.equal(store.latest('freespace', 'b'), undefined)
  })

  it('takes no more than a thousand names of one peer', () => {
    const store = new MetricStore()
    for (let n = 0; n < 1000; n++) assert.ok(store.add(metric(`name ${n}`, 'a')))

    assert.equal(store.add(metric('one more', 'a')), false)
    assert.equal(store.add(metric('name 7', 'a', 'new')), true)
    assert.equal(store.add(metric('one more', 'b')), true)
    assert.equal(store.latest('name 7', 'a')?.value, 'new')
    store.forget('a')
    assert.equal(store.add(metric('one more', 'a')), true)
  })

  it('does not keep the names of ever new peers that are gone', () => {
    const store = new MetricStore()
    for (let peer = 0; peer < 5; peer++) {
      for (let name = 0; name < 1000; name++) store.add(metric(`${peer} ${name}`, `peer ${peer}`))
      store.forget(`peer ${peer}`)
    }
    store.add(metric('ping', 'a'))

    store.forget('b')

    assert.ok(store.names().length <= 1000)
    assert.ok(store.latest('ping', 'a') != null)
  })
})
