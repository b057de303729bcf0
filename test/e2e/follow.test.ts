import assert from 'node:assert/strict'
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { ApiError } from '../../src/client/errors.ts'
import { createNodeClient } from '../../src/client/node.ts'
import { programFile } from '../support/programs.ts'
import { peerProcess, type PeerProcess } from '../support/peer-process.ts'
import { pollUntil } from '../support/poll.ts'

const program = programFile('follow')
const cids = ['bafkqaala', 'bafkqaalb', 'bafkqaalc']

const listOf = (status: string, some: string[]): string => some.map(cid => `${status.padEnd(20)} ${cid} ${cid}`).join('\n')

describe('a follower, through its real program', () => {
  let leader: PeerProcess
  let source: Server
  let folder: string
  let child: ChildProcess | undefined

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hc-follow-'))
    leader = await peerProcess(json => { json.consensus.crdt.rebroadcast_interval = '1s' })
    await leader.start()
    let id: any // JSON
    // it has no addresses before the cluster's host listens, which comes after the API
    await pollUntil(async () => {
      id = await (await fetch(`${leader.url}/id`)).json()
      return id.addresses?.length > 0
    })
    const json = JSON.parse(await readFile(join(leader.folder, 'service.json'), 'utf8'))
    json.cluster = { ...json.cluster, peername: 'template', listen_multiaddress: '/ip4/127.0.0.1/tcp/0', peer_addresses: id.addresses }
    json.consensus.crdt.trusted_peers = [id.id]
    json.ipfs_connector.helia = { ...json.ipfs_connector.helia, listen_multiaddress: '/ip4/127.0.0.1/tcp/0', gateway_multiaddress: '' }
    source = createServer((_, response) => response.end(JSON.stringify(json)))
    await new Promise<void>(resolve => source.listen(0, '127.0.0.1', resolve))
  })
  after(async () => {
    child?.kill('SIGKILL')
    await leader.remove()
    source.close()
    await rm(folder, { recursive: true, force: true })
  })

  const url = (): string => `http://127.0.0.1:${(source.address() as AddressInfo).port}/service.json`
  const follow = async (...args: string[]): Promise<string> => (
    await promisify(execFile)(process.execPath, [program, '-c', folder, 'team', ...args])
  ).stdout
  const start = (...args: string[]): ChildProcess =>
    spawn(process.execPath, [program, '-c', folder, 'team', 'run', ...args], { stdio: 'ignore' })
  const client = () => createNodeClient({ hosts: [`/unix${folder}/team/api-socket`] })
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    const code = new Promise<number | null>(resolve => child?.once('exit', resolve))
    child?.kill(signal)
    return code
  }
  const pin = async (cid: string): Promise<void> =>
    assert.equal((await fetch(`${leader.url}/pins/${cid}?name=${cid}`, { method: 'POST' })).status, 200)
  const listed = async (): Promise<string> => (await follow('list')).split('\n').filter(line => line !== '').toSorted().join('\n')

  it('takes over and pins what the leader pins', async () => {
    await pin('bafkqaala')
    child = start('--init', url())
    await pollUntil(async () => client().id().then(() => true, () => false))

    await pin('bafkqaalb')

    await pollUntil(async () => await listed() === listOf('pinned', cids.slice(0, 2)), { everyMs: 200 })
    assert.match(await follow('info'), new RegExp(`Available \\(${url()}\\)\nCluster Peer online: true\nIPFS peer online: true\n`))
  })

  it('refuses changes of its own', async () => {
    await assert.rejects(
      client().pin('bafkqaalc'), err => err instanceof ApiError && err.status === 500 && err.message.includes('follower mode')
    )

    assert.equal(await listed(), listOf('pinned', cids.slice(0, 2)))
  })

  it('survives being killed, ends orderly, and lists its pinset offline', async () => {
    await end('SIGKILL')
    child = start()
    await pollUntil(async () => client().id().then(() => true, () => false))
    const code = await end('SIGHUP')

    assert.equal(code, 0)
    assert.equal(await listed(), listOf('offline', cids.slice(0, 2)))
    assert.match(await follow('info'), /Cluster Peer online: false\nIPFS peer online: false\n/)
  })
})
