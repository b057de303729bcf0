import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it } from 'node:test'
import { onStopSignals } from '../../../cmd/helia-cluster-service/signals.ts'

describe('stop signals', () => {
  it('counts the same signal once when it comes by two ways', () => {
    const events = new EventEmitter()
    const heard: string[] = []
    let now = 0
    const end = onStopSignals(name => heard.push(name), { events, now: () => now })

    for (const [name, at] of [['SIGINT', 0], ['SIGINT', 20], ['SIGTERM', 30], ['SIGINT', 300], ['SIGINT', 900], ['SIGHUP', 910]] as const) {
      now = at
      events.emit(name, name)
    }
    end()

    assert.deepEqual(heard, ['SIGINT', 'SIGTERM', 'SIGINT', 'SIGINT', 'SIGHUP'])
    assert.equal(events.listenerCount('SIGINT'), 0)
  })
})
