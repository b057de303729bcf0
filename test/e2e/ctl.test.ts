import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createClient } from '../../src/client/client.ts'
import { createNodeClient } from '../../src/client/node.ts'
import { programFile } from '../support/programs.ts'
import { peerProcess, type PeerProcess, type ProgramResult } from '../support/peer-process.ts'

const program = programFile('ctl')

describe('ctl and a peer, both as real programs', () => {
  let peer: PeerProcess
  let folder = ''
  let host = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'helia-cluster-ctl-'))
    await mkdir(join(folder, 'dir/sub'), { recursive: true })
    await writeFile(join(folder, 'hello.txt'), 'hello\n')
    await writeFile(join(folder, 'dir/a.txt'), 'a\n')
    await writeFile(join(folder, 'dir/sub/b.txt'), 'b\n')
    await symlink('a.txt', join(folder, 'dir/link'))
    peer = await peerProcess()
    await peer.start()
    host = `/ip4/127.0.0.1/tcp/${new URL(peer.url).port}`
  })
  after(async () => {
    await peer.remove()
    await rm(folder, { recursive: true })
  })

  const ctl = async (...args: string[]): Promise<ProgramResult> => new Promise(resolve => {
    execFile(
      process.execPath, [program, '--host', host, ...args], { cwd: folder },
      (err, stdout, stderr) => resolve({ status: err == null ? 0 : Number(err.code), stdout, stderr })
    )
  })
  const done = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await ctl(...args)
    assert.deepEqual([status, stderr], [0, ''], args.join(' '))
    return stdout
  }
  const helloCid = 'QmZULkCELmmk5XNfCgTnCyFgAVxBRBXyDHGGMVoLFLiXEN'

  it('tells of the peer', async () => {
    const id = JSON.parse(await done('--enc=json', 'id'))

    assert.match(await done('id'), new RegExp(`^${id.id} \\| \\S+ \\| Sees 0 other peers\n  > Addresses:\n    - /ip4/127\\.0\\.0\\.1`))
    assert.equal(await done('peers', 'ls'), await done('id'))
    assert.match(await done('version'), /^1\.1\.6/)
    assert.equal((await ctl('peers', 'rm', '12D3KooWLJ6K8gtwShUFroy7xCt3WqUDFbZJngZJ3KdgqxoeJ9rC')).status, 2)
  })

  it('adds files and trees, waits for them, and lists them', async () => {
    const file = await done('add', '--wait', '--name', 'greeting', 'hello.txt')
    const tree = await done('add', '-r', 'dir')

    assert.equal(file, `added ${helloCid} hello.txt\n`)
    assert.deepEqual(
      tree.trimEnd().split('\n').map(line => line.split(' ')[2]).toSorted(), ['dir', 'dir/a.txt', 'dir/link', 'dir/sub', 'dir/sub/b.txt']
    )
    assert.match(
      await done('pin', 'ls', helloCid),
      new RegExp(`^${helloCid} \\| greeting \\| PIN \\| Repl\\. Factor: -1 \\| Allocations: \\[everywhere\\]`)
    )
    assert.equal((await done('pin', 'ls')).trimEnd().split('\n').length, 2)
    assert.match(await done('status', helloCid), /: PINNED \| /)
    assert.equal((await done('--enc=json', 'status', '--filter', 'pinned')).match(/"status": "pinned"/g)?.length, 2)
  })

  it('pins, updates, recovers and unpins', async () => {
    const root = (await done('add', '-r', '-Q', 'dir')).trim()

    assert.match(await done('pin', 'add', '--wait', '--name', 'inner', `${root}/a.txt`), / \| inner:\n {4}> \S+ +: PINNED /)
    assert.match(await done('pin', 'update', '--no-status', helloCid, root), new RegExp(`^${root} \\| greeting \\| PIN`))
    assert.match(await done('recover', root), /: PINNED \| /)
    assert.equal(await done('recover'), '')
    assert.match(await done('pin', 'rm', '--wait', root), /: UNPINNED \| /)
    assert.equal((await ctl('pin', 'rm', root)).stdout, 'An error occurred:\n  Code: 404\n  Message: pin is not part of the pinset\n')
    assert.match(await done('ipfs', 'gc'), /^\S+ *\n {2}> CIDs:\n {4}- /)
  })

  it("tells of the cluster's health", async () => {
    const metrics = (await done('health', 'metrics')).trimEnd().split('\n')

    assert.ok(metrics.includes('ping'))
    assert.match(await done('health', 'metrics', 'freespace'), /freespace: [\d.]+ [kMGT]?B \| Expires in: /)
    assert.match(await done('health', 'graph'), /^digraph cluster \{\n[^]*\n\}$/)
    assert.equal(await done('health', 'alerts'), '')
    await done('health', 'bandwidth')
  })

  it('can be stopped by who reads its output', async () => {
    const { stdout } = await new Promise<{ stdout: string }>(resolve => {
      execFile('sh', ['-c', `"${process.execPath}" "${program}" --host ${host} commands | head -1`], (_err, stdout) => resolve({ stdout }))
    })

    assert.equal(stdout, 'helia-cluster-ctl id\n')
  })

  it('shares its client with programs: by fetch and by Node, blobs and streams', async () => {
    for (const client of [createClient({ url: peer.url }), createNodeClient({ hosts: [host] })]) {
      const lines = await Array.fromAsync(
        client.add(
          [
            { path: 'd', directory: true }, { path: 'd/blob', content: new Blob(['blob']) },
            { path: 'd/stream', content: async function * () { yield new TextEncoder().encode('stream') } }
          ],
          { cidVersion: 1 }
        )
      )
      const status = await client.status(lines.at(-1)?.cid ?? '')

      assert.deepEqual(lines.map(({ name }) => name), ['d/blob', 'd/stream', 'd'])
      assert.equal(Object.keys(status.peer_map).length, 1)
      await assert.rejects(client.allocation(helloCid.replace('Qm', 'QQ')), { code: 'INVALID_ARGUMENT' })
    }
  })
})
