import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { jsonLines, peerProcess, type PeerProcess } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'

const [secret, otherSecret] = ['ab'.repeat(32), 'cd'.repeat(32)]

interface Readiness { ready: boolean, problems: string[] }

const readiness = async (peer: PeerProcess): Promise<Readiness> => await (await fetch(`${peer.url}/health/ready`)).json() as Readiness
const infoOf = async (peer: PeerProcess): Promise<any> => (await fetch(`${peer.url}/id`)).json()
const membersOf = async (peer: PeerProcess): Promise<number> =>
  (await jsonLines(await fetch(`${peer.url}/peers`))).filter(one => one.error === '').length
const peerstoreOf = async ({ folder }: PeerProcess): Promise<string> => readFile(join(folder, 'peerstore'), 'utf8')
const isIsolated = async (peer: PeerProcess): Promise<boolean> => (await readiness(peer)).problems.includes('isolated')

describe('a peer and the others that it knows, through its real program', () => {
  const peers: PeerProcess[] = []
  const at = (index: number): PeerProcess => peers[index] as PeerProcess
  const together = async (): Promise<void> => {
    await pollUntil(async () => await membersOf(at(0)) === 2 && await membersOf(at(1)) === 2, { what: 'the membership of two' })
  }

  /** On a busy machine pings may come so late that the other one is missed for a moment. */
  const neitherIsolated = async (): Promise<void> => {
    await pollUntil(async () => !(await Promise.all(peers.map(isIsolated))).includes(true), { what: 'the end of the problem on both' })
  }

  before(async () => {
    for (let index = 0; index < 2; index++) {
      peers.push(await peerProcess(json => {
        json.cluster.secret = secret
        json.cluster.monitor_ping_interval = '1s'
      }))
    }
    await at(0).start()
    await pollUntil(async () => (await infoOf(at(0))).addresses?.length > 0, { what: 'an address' })
  })
  after(async () => { await Promise.all(peers.map(async peer => peer.remove())) })

  it('is no problem of a single one', async () => {
    await pollUntil(async () => (await jsonLines(await fetch(`${at(0).url}/monitor/metrics/ping`))).flat().length > 0, { what: 'a ping' })
    await pollUntil(async () => !(await readiness(at(0))).problems.includes('starting'), { what: 'the start' })

    assert.deepEqual((await readiness(at(0))).problems, [])
  })

  it('come together, also when the one that is to be joined is there later', async () => {
    const [address] = (await infoOf(at(0))).addresses
    await at(0).end()

    await at(1).start(['--bootstrap', address])
    await pollUntil(async () => isIsolated(at(1)), { what: 'the problem' })
    await at(0).start()

    await together()
    await neitherIsolated()
  })

  it('find each other again when both were killed, without having been told once more', async () => {
    await pollUntil(
      async () => (await Promise.all(peers.map(peerstoreOf))).every(text => text !== ''),
      { what: 'the peerstores', withinMs: 30_000 }
    )

    await Promise.all(peers.map(async peer => peer.end('SIGKILL')))
    await Promise.all(peers.map(async peer => peer.start()))

    await together()
    await neitherIsolated()
  })

  it('says so with another secret than theirs, and takes requests all the same', async () => {
    await at(1).end()
    await at(1).edit(json => { json.cluster.secret = otherSecret })
    await at(1).start()

    await pollUntil(async () => await isIsolated(at(1)) && await isIsolated(at(0)), { what: 'the problem on both' })

    assert.equal((await fetch(`${at(1).url}/health/ready`)).status, 200)
    await at(1).end()
    await at(1).edit(json => { json.cluster.secret = secret })
    await at(1).start()
    await together()
    await neitherIsolated()
  })

  it('misses nobody who was removed, after a restart neither', async () => {
    const { id } = await infoOf(at(1))
    await at(1).end()
    await pollUntil(async () => isIsolated(at(0)), { what: 'the problem' })

    await fetch(`${at(0).url}/peers/${id}`, { method: 'DELETE' })
    await pollUntil(async () => !await isIsolated(at(0)), { what: 'the end of the problem' })
    await at(0).end()
    await at(0).start()

    assert.equal(await peerstoreOf(at(0)), '')
    await pollUntil(async () => !(await readiness(at(0))).problems.includes('starting'), { what: 'the start' })
    assert.deepEqual((await readiness(at(0))).problems, [])
  })
})
