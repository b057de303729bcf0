import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { noRemotePeers } from '../../../../src/network/alone/remote-peers.ts'
import { aCid, aPeerId, collect } from '../../../support/cluster/values.ts'

describe('the other peers of a peer that has none', () => {
  it('can be reached by no method', async () => {
    const remotes = noRemotePeers()
    const peer = aPeerId()

    const results = await Promise.allSettled([
      remotes.info(peer),
      remotes.status(peer, aCid()),
      collect(remotes.statusAll(peer, 0)),
      remotes.recover(peer, aCid()),
      collect(remotes.recoverAll(peer)),
      remotes.repoGc(peer),
      remotes.swarmPeers(peer),
      remotes.putBlocks(peer, (async function * () { yield [] })())
    ])

    assert.ok(results.every(result => result.status === 'rejected' && result.reason.code === 'PEER_UNREACHABLE'))
  })
})
