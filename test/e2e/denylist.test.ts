import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { jsonLines, peerProcess, uploadForm } from '../support/peer-process.ts'
import type { PeerProcess } from '../support/peer-process.ts'
import { pollUntil, quietMs } from '../support/poll.ts'

describe('a peer with a denylist, through its real program', { timeout: quietMs(120_000) }, () => {
  let peer: PeerProcess
  before(async () => { peer = await peerProcess(); await peer.start() })
  after(async () => { await peer.remove() })

  const list = (): string => join(peer.folder, 'denylists/mine.deny')
  const gatewayStatus = async (cid: string): Promise<number> => {
    const response = await fetch(`${peer.gateway}/ipfs/${cid}`)
    await response.arrayBuffer()
    return response.status
  }
  const addFile = async (content: string): Promise<any[]> =>
    jsonLines(
      await fetch(`${peer.url}/add?cid-version=1`, {
        method: 'POST', body: uploadForm([{ name: 'file', bytes: new TextEncoder().encode(content) }])
      })
    )

  it('takes a list while it runs; what it names is refused, and can be unpinned and collected', async () => {
    const [{ cid }] = await addFile('denied later') as [{ cid: string }]
    await pollUntil(async () => await gatewayStatus(cid).catch(() => 0) === 200, { withinMs: 15_000, what: 'the file' })

    await mkdir(join(peer.folder, 'denylists'))
    await writeFile(list(), `/ipfs/${cid}\n`)
    await pollUntil(async () => await gatewayStatus(cid) === 410, { withinMs: 15_000, what: 'the rule' })

    const pinned = await fetch(`${peer.url}/pins/${cid}?name=again`, { method: 'POST' })
    assert.deepEqual([pinned.status, await pinned.json()], [403, { code: 403, message: `${cid} is denied by mine.deny:1` }])
    const removed = await fetch(`${peer.url}/pins/ipfs/${cid}`, { method: 'DELETE' })
    assert.equal(removed.status, 200)
    await removed.arrayBuffer()
    const gc: any = await (await fetch(`${peer.url}/ipfs/gc?local=true`, { method: 'POST' })).json()
    assert.ok((Object.values(gc.peer_map)[0] as any).keys.length > 0)
    const added = await fetch(
      `${peer.url}/add?cid-version=1&stream-channels=false`,
      { method: 'POST', body: uploadForm([{ name: 'file', bytes: new TextEncoder().encode('denied later') }]) }
    )
    assert.deepEqual([added.status, ((await added.json()) as any).message], [403, `${cid} is denied by mine.deny:1`])
    assert.deepEqual(await jsonLines(await fetch(`${peer.url}/allocations`)), [])
  })

  it('says what is wrong with a list, keeps its rules, and does not start with it', async () => {
    const [{ cid }] = await addFile('denied, too') as [{ cid: string }]
    await writeFile(list(), `/ipfs/${cid}\n`)
    await pollUntil(async () => await gatewayStatus(cid) === 410, { withinMs: 15_000, what: 'the rule' })

    await writeFile(list(), '<html>\n404\n')
    await pollUntil(
      async () => ((await (await fetch(`${peer.url}/health/ready`)).json()) as any).problems.includes('denylist_broken'),
      { withinMs: 15_000, what: 'the problem' }
    )

    assert.equal(await gatewayStatus(cid), 410)
    await peer.end()
    await assert.rejects(peer.start(), /mine\.deny can't be used/)
    await rm(list())
    await peer.start()
    // /health answers before the gateway listens
    await pollUntil(async () => await gatewayStatus(cid).catch(() => 0) === 200, { withinMs: 15_000, what: 'the file' })
  })
})
