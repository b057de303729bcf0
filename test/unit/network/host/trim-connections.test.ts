import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connectionsToTrim } from '../../../../src/network/host/trim-connections.ts'

const connection = (peer: string, open: number) =>
  ({ remotePeer: peer, timeline: { open }, close: async () => {}, abort: () => {} }) as unknown as
    Parameters<typeof connectionsToTrim>[0][number]

const init = { lowWater: 2, highWater: 4, gracePeriodMs: 100, isKept: (peer: string) => peer.startsWith('trusted'), now: 1000 }
const names = (connections: ReadonlyArray<{ remotePeer: unknown }>): string[] => connections.map(({ remotePeer }) => String(remotePeer))

describe('surplus connections', () => {
  it('are none up to the high water mark', () => {
    const connections = ['a', 'b', 'c', 'd'].map(peer => connection(peer, 0))

    assert.deepEqual(connectionsToTrim(connections, init), [])
  })

  it('are the youngest beyond the grace period, down to the low water mark', () => {
    const connections = [connection('old', 0), connection('new', 950), connection('a', 300), connection('b', 500), connection('c', 400)]

    assert.deepEqual(names(connectionsToTrim(connections, init)), ['b', 'c', 'a'])
  })

  it('are never those of trusted peers', () => {
    const connections = [connection('a', 0), ...[1, 2, 3, 4, 5].map(id => connection(`trusted${id}`, 500))]

    assert.deepEqual(names(connectionsToTrim(connections, init)), ['a'])
  })
})
