import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { programFile } from '../support/programs.ts'
import { pollUntil } from '../support/poll.ts'
import { servicePeer, type ServicePeer } from '../support/service-peer.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

describe('the guide to backup and restore of the service', () => {
  let peer: ServicePeer
  let parent: string

  before(async () => {
    parent = await mkdtemp(join(tmpdir(), 'helia-cluster-backup-'))
    const shim = join(parent, 'bin', 'helia-cluster-service')
    await mkdir(dirname(shim))
    await writeFile(shim, `#!/bin/sh\nexec "${process.execPath}" "${programFile('service')}" "$@"\n`)
    await chmod(shim, 0o755)
    peer = await servicePeer()
    await peer.start()
  })
  after(async () => {
    await peer.remove()
    await rm(parent, { recursive: true, force: true })
  })

  const run = async (script: string): Promise<void> => {
    const text = await readFile(join(root, 'docs/operations/backup-and-restore.md'), 'utf8')
    const [, commands] = new RegExp(`^\`\`\`sh ${script}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(text) ?? assert.fail(`no script ${script}`)
    const variables = { PEER: peer.folder, BACKUP: join(parent, 'backup'), PATH: `${join(parent, 'bin')}:${process.env.PATH}` }
    await promisify(execFile)('sh', ['-eu', '-c', commands ?? ''], { env: { ...process.env, ...variables } })
  }
  const status = async (key: string): Promise<number> => (
    await fetch(`${peer.service}/api/v1/users/status`, { headers: { 'x-api-key': key } })
  ).status

  it('brings accounts and keys back as they were while the peer ran', async () => {
    const before = await peer.register('before@example.com')
    await run('backup-service')
    const after = await peer.register('after@example.com')

    await peer.end('SIGTERM')
    await run('restore-service')
    await peer.start()

    await pollUntil(async () => status(before).then(found => found === 200, () => false), { what: 'the restored account' })
    assert.equal(await status(after), 401)
    assert.equal((await stat(join(parent, 'backup', 'service.sqlite'))).mode & 0o077, 0)
  })
})
