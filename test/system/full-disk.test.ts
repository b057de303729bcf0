import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { jsonLines, peerProcess, uploadForm, type PeerProcess } from '../support/peer-process.ts'
import { pollUntil, quietMs } from '../support/poll.ts'
import { noSmallDisk, smallDisk, type SmallDisk } from '../support/small-disk.ts'

const MiB = 1024 * 1024
const reserveBytes = 20 * MiB

describe('a peer on a disk without one byte left', { skip: noSmallDisk(), timeout: quietMs(120_000) }, () => {
  let peer: PeerProcess
  let disk: SmallDisk
  const added: string[] = []
  before(async () => {
    peer = await peerProcess(json => {
      json.api.restapi.http_log_file = 'access.log'
      json.api.pinsvcapi = { http_listen_multiaddress: '/ip4/127.0.0.1/tcp/0', basic_auth_credentials: { alice: 'wonderland' } }
    }, { by: (program, args, options) => disk.spawn(program, args, options) })
    disk = await smallDisk(peer.folder, '160m')
    await peer.start()
    await reserveIsThere()
    for (const mebibytes of [20, 8, 8]) added.push(await add(randomBytes(mebibytes * MiB)))
  })
  after(async () => {
    await peer?.remove()
    disk?.close()
  })

  const reserveIsThere = async (): Promise<void> =>
    pollUntil(() => sizeOf('reserve') === reserveBytes, { withinMs: 20_000, what: 'the reserve' })
  const sizeOf = (name: string): number => statSync(join(disk.path, name), { throwIfNoEntry: false })?.size ?? 0
  const upload = async (bytes: Uint8Array): Promise<Response> =>
    fetch(`${peer.url}/add?stream-channels=false&cid-version=1`, { method: 'POST', body: uploadForm([{ name: 'f', bytes }]) })

  async function add (bytes: Uint8Array): Promise<string> {
    const answer = await upload(bytes)
    assert.equal(answer.status, 200)
    const { cid } = (await answer.json() as any)[0]
    await pollUntil(async () => await statusOf(cid) === 'pinned')
    return cid
  }

  async function statusOf (cid: string): Promise<string> {
    const info: any = await (await fetch(`${peer.url}/pins/${cid}?local=true`)).json()
    return (Object.values(info.peer_map)[0] as any).status
  }

  /** Unpins and collects; the disk has at least that much more afterwards. */
  async function makesRoom (cid: string | undefined, bytes: number): Promise<void> {
    const unpinned = await fetch(`${peer.url}/pins/${cid}`, { method: 'DELETE' })
    assert.equal(unpinned.status, 200, await unpinned.text())
    await pollUntil(async () => await statusOf(cid ?? '') === 'unpinned', { what: 'the unpin' })
    const collected: any = await (await fetch(`${peer.url}/ipfs/gc`, { method: 'POST' })).json()
    const keys = (Object.values(collected.peer_map)[0] as any).keys
    // a peer whose disk is full collects by itself, too, and may have been first
    assert.ok(keys.every(({ error }: any) => error == null || error === ''), JSON.stringify(collected).slice(0, 500))
    await pollUntil(() => disk.freeBytes() + sizeOf('reserve') >= reserveBytes + bytes, { withinMs: 20_000, what: 'room on the disk' })
  }

  it('refuses adds, unpins, and gives room back', async () => {
    disk.fill('other')
    assert.equal(disk.freeBytes(), 0)

    const refused = await upload(randomBytes(4 * MiB))
    await makesRoom(added[0], 19 * MiB)

    assert.equal(refused.status, 500)
    assert.match(await refused.text(), /no room for|no space left/)
  })

  it('does the same after a kill, and is as before when there is room again', async () => {
    await reserveIsThere()
    disk.fill('other')
    assert.equal(disk.freeBytes(), 0)
    await peer.end('SIGKILL')

    await peer.start()
    const refusedPin = await fetch(`${peer.url}/pins/bafkqaaa`, { method: 'POST' })
    await makesRoom(added[1], 7 * MiB)
    disk.remove('other')
    await reserveIsThere()
    await add(randomBytes(10 * MiB))

    assert.equal(refusedPin.status, 500)
    assert.equal((await (await fetch(`${peer.gateway}/ipfs/${added[2]}`)).arrayBuffer()).byteLength, 8 * MiB)
    assert.equal((await jsonLines(await fetch(`${peer.url}/allocations`))).length, 2)
    await fetch(`${peer.url}/id?last`)
    await pollUntil(() => readFileSync(join(disk.path, 'access.log'), 'utf8').includes('/id?last'), { what: 'the access log' })
    assert.equal(await peer.end(), 0)
    assert.doesNotMatch(readFileSync(join(disk.path, 'stderr.log'), 'utf8'), /uncaught|unhandled/i)
  })
})
