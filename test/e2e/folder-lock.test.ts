import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { jsonLines, peerProcess, runService, type PeerProcess } from '../support/peer-process.ts'
import { noPidNamespace, spawnInPidNamespace } from '../support/pid-namespace.ts'
import { pollUntil, quietMs } from '../support/poll.ts'

const cid = 'bafkqaaa'

describe('a folder whose peer runs in another container', { skip: noPidNamespace(), timeout: quietMs(60_000) }, () => {
  let peer: PeerProcess
  const service = async (...args: string[]) => runService(['-c', peer.folder, ...args])
  before(async () => {
    peer = await peerProcess(undefined, { by: spawnInPidNamespace })
    await peer.start()
  })
  after(async () => { await peer.remove() })

  it('is refused to every command in one line, and keeps what the peer acknowledges meanwhile, over a kill', async () => {
    const file = join(peer.folder, 'none.json')
    await writeFile(file, '')
    const commands = [
      ['daemon'], ['-f', 'init'], ['state', 'export'], ['-f', 'state', 'import', file], ['state', 'cleanup', '-f'],
      ['state', 'crdt', 'info'], ['state', 'crdt', 'dot'], ['state', 'crdt', 'mark-dirty']
    ]

    for (const command of commands) {
      const { status, stderr } = await service(...command)
      assert.equal(status, 1, command.join(' '))
      assert.match(stderr, /^error obtaining execution lock: process \d+ holds .*cluster\.lock: [^\n]*\n$/, command.join(' '))
    }
    const answer = await fetch(`${peer.url}/pins/${cid}`, { method: 'POST' })
    await peer.end('SIGKILL')
    await pollUntil(async () => (await service('state', 'crdt', 'info')).status === 0, { what: 'the lock of a killed peer to end' })
    await peer.start()

    assert.equal(answer.status, 200)
    assert.deepEqual((await jsonLines(await fetch(`${peer.url}/allocations`))).map(pin => pin.cid), [cid])
  })

  it('is not imported into when somebody removed the lock file, because the pinset is in use', async () => {
    await rm(join(peer.folder, 'cluster.lock'))

    const { status, stderr } = await service('-f', 'state', 'import', join(peer.folder, 'none.json'))

    assert.equal(status, 1)
    assert.match(stderr, /^error importing state: another process uses .*pinset: [^\n]*\n$/)
  })
})
