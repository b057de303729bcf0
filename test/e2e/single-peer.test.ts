import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { jsonLines, peerProcess, runService, uploadForm, type PeerProcess } from '../support/peer-process.ts'
import { patience, pollUntil } from '../support/poll.ts'

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const identityCid = (index: number): string => {
  const bytes = Buffer.from(`e2e-${String(index).padStart(6, '0')}`)
  return `f015500${bytes.length.toString(16).padStart(2, '0')}${bytes.toString('hex')}`
}

describe('a single peer, through its real program', () => {
  let peer: PeerProcess
  before(async () => { peer = await peerProcess(); await peer.start() })
  after(async () => { await peer.remove() })

  const statusOf = async (cid: string): Promise<string> => {
    const info: any = await (await fetch(`${peer.url}/pins/${cid}?local=true`)).json()
    return (Object.values(info.peer_map)[0] as any).status
  }

  it('adds a directory, pins it, serves it and keeps it over a restart', async () => {
    const files = [{ name: 'site/index.html', bytes: text('<h1>hello</h1>') }, { name: 'site/a/b.txt', bytes: text('deep') }]

    const lines = await jsonLines(
      await fetch(`${peer.url}/add?wrap-with-directory=false&cid-version=1`, { method: 'POST', body: uploadForm(files) })
    )
    const root = lines.at(-1).cid
    await pollUntil(async () => await statusOf(root) === 'pinned')
    const served = await (await fetch(`${peer.gateway}/ipfs/${root}/a/b.txt`)).text()
    assert.equal(await peer.end(), 0)
    await peer.start()

    assert.equal(lines.at(-1).name, 'site')
    assert.equal(served, 'deep')
    const pins = await jsonLines(await fetch(`${peer.url}/allocations`))
    assert.deepEqual(pins.map(pin => pin.cid), [root])
    await pollUntil(async () => await statusOf(root) === 'pinned')
    assert.equal(await (await fetch(`${peer.gateway}/ipfs/${root}/index.html`)).text(), '<h1>hello</h1>')
  })

  it('refuses a second daemon on the same folder and names the first', async () => {
    const second = await runService(['-c', peer.folder, 'daemon'])

    assert.equal(second.status, 1)
    assert.match(second.stderr, new RegExp(`\\b${peer.pid()}\\b`))
  })

  it('unpins, and the garbage collector frees the blocks', async () => {
    const [line] = await jsonLines(
      await fetch(`${peer.url}/add?cid-version=1`, { method: 'POST', body: uploadForm([{ name: 'gone.txt', bytes: text('soon gone') }]) })
    )
    await pollUntil(async () => await statusOf(line.cid) === 'pinned')

    await fetch(`${peer.url}/pins/${line.cid}`, { method: 'DELETE' })
    await pollUntil(async () => await statusOf(line.cid) === 'unpinned')
    const collected: any = await (await fetch(`${peer.url}/ipfs/gc`, { method: 'POST' })).json()

    const keys = (Object.values(collected.peer_map)[0] as any).keys.map((one: any) => one.key)
    assert.ok(keys.includes(line.cid))
  })

  it('logs as JSON where it is asked to', async () => {
    const logging = await peerProcess(() => {}, {
      by: (command, args, options) => spawn(command, args, { ...options, env: { ...process.env, GOLOG_LOG_FMT: 'json' } })
    })
    try {
      await logging.start()
      await logging.end()

      const lines = logging.log().trim().split('\n').map(line => JSON.parse(line))
      assert.deepEqual(lines.find(({ msg }) => msg === 'listening')?.facts.server, 'restapi')
    } finally {
      await logging.remove()
    }
  })

  it('keeps every acknowledged pin and upload when it is killed in the middle', async () => {
    const acknowledged: string[] = []
    const pin = async (index: number): Promise<void> => {
      const cid = identityCid(index)
      const response = await fetch(`${peer.url}/pins/${cid}`, { method: 'POST' })
      if (response.status === 200) acknowledged.push(((await response.json()) as any).cid)
    }
    const upload = async (index: number): Promise<void> => {
      const bytes = new Uint8Array(200_000 + index).fill(index)
      const response = await fetch(
        `${peer.url}/add?stream-channels=false&cid-version=1`, { method: 'POST', body: uploadForm([{ name: `u${index}`, bytes }]) }
      )
      if (response.status === 200) acknowledged.push(((await response.json()) as any)[0].cid)
    }
    const work = [...Array.from({ length: 500 }, (_, index) => pin(index)), ...Array.from({ length: 20 }, (_, index) => upload(index))]
      .map(async one => one.catch(() => {}))

    await pollUntil(() => acknowledged.length >= 100, { everyMs: 1 })
    await peer.end('SIGKILL')
    await Promise.all(work)
    const from = performance.now()
    await peer.start()
    const startMs = performance.now() - from

    assert.ok(startMs < 10_000 * patience(), `the start took ${startMs} ms`)
    const kept = new Set((await jsonLines(await fetch(`${peer.url}/allocations`))).map(one => one.cid))
    assert.deepEqual(acknowledged.filter(cid => !kept.has(cid)), [])
    await pollUntil(
      async () => (await fetch(`${peer.url}/pins?local=true&filter=error,queued,pinning,unexpectedly_unpinned`)).status === 204
    )
  })

  it('says what is wrong with an option and does nothing', async () => {
    const response = await fetch(
      `${peer.url}/pins/bafkreihelwuirnpntiwm4p2gyvwuv33dsat5f2hgw4rwsza7hmin4c5x7y?replication-min=x`, { method: 'POST' }
    )

    assert.equal(response.status, 400)
    assert.deepEqual(await response.json(), { code: 400, message: 'parameter replication-min invalid' })
    assert.equal((await fetch(`${peer.url}/allocations/bafkreihelwuirnpntiwm4p2gyvwuv33dsat5f2hgw4rwsza7hmin4c5x7y`)).status, 404)
  })

  it('ends with exit code 0 on INT, TERM and HUP', async () => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      assert.equal(await peer.end(signal), 0)
      await peer.start()
    }
  })
})
