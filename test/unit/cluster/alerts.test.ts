import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Alerts } from '../../../src/cluster/peers/alerts.ts'
import type { Alert } from '../../../src/model/metric.ts'

it('the latest 1000 alerts are kept, newest first', () => {
  const alerts = new Alerts()

  for (let at = 1; at <= 1001; at++) {
    alerts.add({ triggeredAt: at } as unknown as Alert)
    if (at === 1000) assert.equal(alerts.list().length, 1000)
  }

  const kept = alerts.list() as unknown as Array<{ triggeredAt: number }>
  assert.deepEqual([kept.length, kept[0]?.triggeredAt, kept.at(-1)?.triggeredAt], [1000, 1001, 2])
})
