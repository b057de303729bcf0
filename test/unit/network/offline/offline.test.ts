import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { offlineBroadcast, offlineExchange } from '../../../../src/network/offline/offline.ts'
import { cidFor } from '../../../support/pins.ts'

describe('a peer without others', () => {
  it('speaks to nobody', async () => {
    const heard: unknown[] = []
    const end = offlineBroadcast().subscribe('topic', message => heard.push(message))

    await offlineBroadcast().publish('topic', new Uint8Array(1))

    end()
    assert.deepEqual(heard, [])
  })

  it('waits for a block until the fetch is aborted', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const fetching = offlineExchange().fetch(cidFor('a'), { signal: controller.signal })

    controller.abort(reason)

    await assert.rejects(fetching, reason)
    await assert.rejects(offlineExchange().fetch(cidFor('a'), { signal: AbortSignal.abort(reason) }), reason)
  })
})
