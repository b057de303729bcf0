import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { History } from '../../../src/cluster/peers/metric-history.ts'
import { aMetric, SharedMonitor } from '../../support/cluster/shared-monitor.ts'
import { SimClock } from '../../support/sim-clock.ts'

function open () {
  const clock = new SimClock()
  const monitor = new SharedMonitor()
  let pins = 0
  const history = new History({ monitor, own: { peer: 'self', figures: () => ({ pins: pins++ }) }, clock })
  const sample = async (): Promise<void> => {
    history.sample()
    await clock.advance(30_000)
  }
  return { clock, monitor, history, sample }
}

describe('the history of metrics', () => {
  it('has the numbers of all peers at each time, and nothing where there was none', async () => {
    const { clock, monitor, history, sample } = open()
    const began = clock.now()
    monitor.beat('one', { freeSpace: 5n })
    monitor.log(aMetric('tag:group', 'one', { value: 'eu' }))

    await sample()
    monitor.expire('one')
    monitor.beat('two', { freeSpace: 7n })
    await sample()

    assert.deepEqual(history.read(), {
      everyMs: 30_000,
      at: [began, began + 30_000],
      series: [
        { name: 'freespace', peer: 'one', values: [5, null] },
        { name: 'freespace', peer: 'two', values: [null, 7] },
        { name: 'ping', peer: 'one', values: [1, null] },
        { name: 'ping', peer: 'two', values: [null, 1] },
        { name: 'pins', peer: 'self', values: [0, 1] }
      ]
    })
  })

  it('is an hour long, and forgets who was not seen for that long', async () => {
    const { clock, monitor, history, sample } = open()
    monitor.beat('gone')
    await sample()
    monitor.expire('gone')

    for (let at = 0; at < 130; at++) await sample()

    const { at, series } = history.read()
    assert.deepEqual([at.length, at.at(-1)], [120, clock.now() - 30_000])
    assert.deepEqual(series.map(({ name, values }) => [name, values.length, values[0], values.at(-1)]), [['pins', 120, 11, 130]])
  })

  it('is bounded whatever peers send', async () => {
    const { monitor, history, sample } = open()
    for (let at = 0; at < 3000; at++) monitor.log(aMetric(`m${at}`, 'loud', { value: '1' }))

    await sample()

    assert.equal(history.read().series.length, 1600)
  })
})
