import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { jsonLines, peerProcess, uploadForm, type PeerProcess } from '../support/peer-process.ts'
import { programFile } from '../support/programs.ts'
import { pollUntil } from '../support/poll.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

/** The commands of the guide, by the word behind ```sh. */
async function guide (): Promise<Map<string, string>> {
  const text = await readFile(join(root, 'docs/operations/backup-and-restore.md'), 'utf8')
  return new Map([...text.matchAll(/^```sh (\S+)\n([\s\S]*?)^```$/gm)].map(([, name = '', script = '']) => [name, script]))
}

describe('the guide to backup and restore', () => {
  let peer: PeerProcess
  let parent: string
  let scripts: Map<string, string>

  before(async () => {
    parent = await mkdtemp(join(tmpdir(), 'helia-cluster-backup-'))
    scripts = await guide()
    const shim = join(parent, 'bin', 'helia-cluster-service')
    await mkdir(dirname(shim))
    await writeFile(shim, `#!/bin/sh\nexec "${process.execPath}" "${programFile('service')}" "$@"\n`)
    await chmod(shim, 0o755)
    peer = await peerProcess()
    await peer.start()
  })
  after(async () => {
    await peer.remove()
    await rm(parent, { recursive: true, force: true })
  })

  const run = async (name: string, folder: string): Promise<void> => {
    const variables = {
      PEER: folder, BACKUP: join(parent, 'backup'), REST_PORT: new URL(peer.url).port, PATH: `${join(parent, 'bin')}:${process.env.PATH}`
    }
    await promisify(execFile)(
      'sh', ['-eu', '-c', scripts.get(name) ?? assert.fail(`no script ${name}`)], { env: { ...process.env, ...variables } }
    )
  }
  const backup = async (): Promise<string> => readFile(join(parent, 'backup', 'pins.json'), 'utf8')
  const pinned = async (cid: string): Promise<boolean> => {
    const info: any = await (await fetch(`${peer.url}/pins/${cid}?local=true`)).json()
    return (Object.values(info.peer_map)[0] as any).status === 'pinned'
  }

  it('brings a lost peer back, pinset and identity, on an empty folder', async () => {
    const lines = await jsonLines(
      await fetch(
        `${peer.url}/add?cid-version=1&name=kept`, { method: 'POST', body: uploadForm([{ name: 'a', bytes: Buffer.from('precious') }]) }
      )
    )
    const inline = await fetch(`${peer.url}/pins/bafkqaala?name=inline&meta-owner=me`, { method: 'POST' })
    const direct = await fetch(`${peer.url}/pins/bafkqaalb?name=direct&mode=direct&expire-in=1000h`, { method: 'POST' })
    await pollUntil(async () => pinned(lines.at(-1).cid))
    const identity = await (await fetch(`${peer.url}/id`)).json() as any

    await peer.end('SIGTERM')
    await run('backup', peer.folder)
    const saved = await backup()
    await rm(peer.folder, { recursive: true })
    await run('restore', peer.folder)
    await peer.start()

    assert.deepEqual([inline.status, direct.status], [200, 200])
    assert.equal(saved.split('\n').length, 4)
    await pollUntil(async () => (await fetch(`${peer.url}/id`)).status === 200)
    const restored = await (await fetch(`${peer.url}/id`)).json() as any
    assert.equal(restored.id, identity.id)
    assert.equal((await stat(join(parent, 'backup', 'identity.json'))).mode & 0o077, 0)
    assert.equal(await (await fetch(`${peer.url}/allocations`)).text(), saved)
    await pollUntil(async () => pinned('bafkqaala'))
  })

  it('gives the same lines from a peer that runs', async () => {
    const saved = await backup()
    await run('backup-running', peer.folder)

    assert.equal(await backup(), saved)
  })

  it('starts over with an empty pinset', async () => {
    await peer.end('SIGTERM')
    await run('cleanup', peer.folder)
    await peer.start()

    assert.equal((await fetch(`${peer.url}/pins`)).status, 204)
  })
})
