import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runCtlHere, stubApi } from '../../../support/ctl.ts'

const [old, now] = ['a'.repeat(64), 'b'.repeat(64)]
const peer = (peername: string, changes: Record<string, unknown>): Record<string, unknown> => ({
  peer: `ID of ${peername}`, peername, trusted: true, state: 'in_sync', since: null, by: 'digest', pins: 2, digest: now, heads: [],
  ...changes
})

describe('ctl health sync', () => {
  it('calls nobody in sync beside another digest than its own', async () => {
    const peers = [peer('same', {}), peer('late', { digest: old }), peer('go', { by: 'heads', pins: null, digest: null })]
    const api = await stubApi({
      'GET /health/sync': { body: JSON.stringify({ own: { pins: 2, digest: now, heads: [], complete: true }, peers }) }
    })
    try {
      const text = await runCtlHere(['--host', api.host, '--enc=text', 'health', 'sync'])
      const table = await runCtlHere(['--host', api.host, '--enc=table', 'health', 'sync'])

      assert.deepEqual(text.stdout.trim().split('\n').slice(1).map(line => line.split(': ')[1]?.split(';')[0]), [
        'in sync', 'was in sync, changes are on their way', 'in sync'
      ])
      assert.match(table.stdout, /late +was in sync, changes are on their way/)
      assert.deepEqual([text.status, table.status], [0, 0])
    } finally {
      await api.stop()
    }
  })
})
