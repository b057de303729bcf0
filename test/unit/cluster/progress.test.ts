import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { ClusterError } from '../../../src/base/errors.ts'
import type { PeerId } from '../../../src/model/cid.ts'
import type { PinProgressReport, RemoteProgress } from '../../../src/network/remote-progress.ts'
import { clusterOf, type TestCluster } from '../../support/cluster/cluster-of.ts'
import { cidFor } from '../../support/pins.ts'

const report: PinProgressReport = {
  operation: { type: 'pin', phase: 'in_progress', since: 1, attempts: 1, error: '', queueLength: 0, nextTryAt: null }, ipfs: null
}

describe('the progress of a pin on all peers', () => {
  let made: TestCluster
  const answers = new Map<PeerId, () => Promise<PinProgressReport>>()
  const asked: PeerId[] = []
  const remoteProgress: RemoteProgress = {
    progress: async peer => {
      asked.push(peer)
      return (answers.get(peer) ?? (async () => report))()
    }
  }
  const open = async (followerMode = false): Promise<void> => {
    made = await clusterOf(5, { deps: { remoteProgress }, init: { followerMode } })
  }
  const fails = (at: number, code: 'UNSUPPORTED' | 'NOT_AUTHORIZED' | 'PEER_UNREACHABLE'): void => {
    answers.set(made.ids[at] ?? '', async () => { throw new ClusterError(code, {}, { message: `${code} it is` }) })
  }

  afterEach(async () => {
    await made.close()
    answers.clear()
    asked.length = 0
  })

  it('has this peer first, those that answer, and those that can not be reached with their error', async () => {
    await open()
    fails(1, 'UNSUPPORTED')
    fails(2, 'NOT_AUTHORIZED')
    fails(3, 'PEER_UNREACHABLE')

    const rows = await made.peerAt(0).cluster.progress(cidFor('pin'))

    assert.deepEqual(rows.map(({ peer, operation, error }) => [made.ids.indexOf(peer), operation?.phase ?? null, error]).toSorted(), [
      [0, null, ''], [3, null, 'PEER_UNREACHABLE it is'], [4, 'in_progress', '']
    ])
    assert.equal(rows[0]?.peer, made.ids[0])
  })

  it('waits no longer for a peer than others do', async () => {
    await open()
    answers.set(made.ids[1] ?? '', async () => new Promise(() => {}))

    const asking = made.peerAt(0).cluster.progress(cidFor('pin'))
    await made.clock.advance(15_000)

    assert.equal((await asking).find(({ peer }) => peer === made.ids[1])?.error, 'context deadline exceeded')
  })

  it('ends with the reason of the caller', async () => {
    await open()
    const controller = new AbortController()
    const reason = new Error('enough')
    answers.set(made.ids[1] ?? '', async () => new Promise(() => {}))

    const asking = made.peerAt(0).cluster.progress(cidFor('pin'), { signal: controller.signal })
    controller.abort(reason)

    await assert.rejects(asking, error => error === reason)
  })

  it('is of this peer alone on a follower', async () => {
    await open(true)

    const rows = await made.peerAt(0).cluster.progress(cidFor('pin'))

    assert.deepEqual([rows.length, asked], [1, []])
  })
})
