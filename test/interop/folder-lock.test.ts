import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { lockFolder } from '../../src/node/folder/lock.ts'
import { runService } from '../support/peer-process.ts'
import { goPeer, missing, type GoPeer } from './go-peer.ts'

describe('the lock of a folder, beside Go\'s programs', { skip: missing('ipfs', 'ipfs-cluster-service'), timeout: 120_000 }, () => {
  let peer: GoPeer
  let folder = ''
  before(async () => {
    peer = await goPeer()
    folder = join(peer.folder, 'cluster')
  })
  after(async () => { await peer?.remove() })

  const goExport = () =>
    spawnSync('ipfs-cluster-service', ['-c', folder, 'state', 'export', '-f', join(peer.folder, 'export')], { encoding: 'utf8' })

  it('is seen by them while we hold it, and free for them afterwards', () => {
    const lock = lockFolder(folder)
    const meanwhile = goExport()
    lock.release()
    const afterwards = goExport()

    assert.equal(meanwhile.status, 1)
    assert.match(meanwhile.stderr, /someone else has the lock/)
    assert.equal(afterwards.status, 0, afterwards.stderr)
  })

  it('is still ours after one of them tried', () => {
    const lock = lockFolder(folder)
    goExport()

    assert.throws(() => lockFolder(folder), { code: 'LOCKED', details: { path: join(folder, 'cluster.lock'), pid: process.pid } })
    assert.match(goExport().stderr, /someone else has the lock/)
    lock.release()
  })

  it('is seen by us while a Go peer holds it, with its pid, and free when that is killed', async () => {
    await peer.start()

    const { status, stderr } = await runService(['-c', folder, 'state', 'export'])
    assert.throws(() => lockFolder(folder), { code: 'LOCKED', details: { path: join(folder, 'cluster.lock'), pid: peer.pid() } })
    await peer.end('SIGKILL')

    assert.equal(status, 1)
    assert.match(stderr, new RegExp(`^error obtaining execution lock: process ${peer.pid()} holds `))
    assert.ok(existsSync(join(folder, 'cluster.lock')), 'a killed peer leaves the file')
    lockFolder(folder).release()
  })
})
