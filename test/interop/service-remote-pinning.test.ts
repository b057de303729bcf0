import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { kuboProgram, startKubo, type RunningKubo } from '../support/kubo.ts'
import { pollUntil } from '../support/poll.ts'
import type { ServicePeer } from '../support/service-peer.ts'
import { anyEmail, inlineCid, servicePeer } from '../support/service-peer.ts'

if (kuboProgram == null) it('ipfs pin remote', { skip: 'there is no Kubo: no `ipfs` on the path or in $GO_BIN' }, () => {})
else withKubo(kuboProgram)

function withKubo (program: string): void {
  describe('ipfs pin remote with the service of a real peer', { timeout: 180_000 }, () => {
    let peer: ServicePeer
    let kubo: RunningKubo
    let key = ''
    let folder = ''

    before(async () => {
      const folders = mkdtemp(join(tmpdir(), 'helia-cluster-remote-pinning-'));
      [peer, kubo, folder] = await Promise.all([servicePeer({ registration: 'open' }), startKubo(program), folders])
      await peer.start()
      key = await peer.register(anyEmail())
      await kubo.cli('pin', 'remote', 'service', 'add', 'pinning', `${peer.service}/api/pinning`, key)
      await kubo.cli('pin', 'remote', 'service', 'add', 'slash', `${peer.service}/api/pinning/`, key)
    })
    after(async () => {
      await kubo.close()
      await peer.remove()
      await rm(folder, { recursive: true, force: true })
    })

    const addedToKubo = async (text: string): Promise<string> => {
      const form = new FormData()
      form.append('file', new Blob([text]), 'x')
      const answer = await fetch(`${kubo.url}/api/v0/add?cid-version=1&pin=true`, { method: 'POST', body: form })
      return (await answer.json() as { Hash: string }).Hash
    }

    it('pins what this node has, lists it by status and name, and removes it', async () => {
      const cid = await addedToKubo('content of the user\'s own node')

      const added = await kubo.cli('pin', 'remote', 'add', '--service=pinning', '--name=my-file', cid)
      const listed = await kubo.cli('pin', 'remote', 'ls', '--service=pinning', '--status=pinned')
      const byName = await kubo.cli('pin', 'remote', 'ls', '--service=pinning', '--name=my-file')
      await kubo.cli('pin', 'remote', 'rm', '--service=pinning', `--cid=${cid}`)
      const left = await kubo.cli('pin', 'remote', 'ls', '--service=pinning', '--status=pinned,queued,pinning,failed')

      assert.match(added, /Status: pinned/)
      assert.equal(listed, `${cid}\tpinned\tmy-file\n`)
      assert.equal(byName, listed)
      assert.equal(left, '')
      assert.equal((await fetch(`${peer.url}/allocations/${cid}`)).status, 404)
    })

    it('takes the commands of the service\'s document as they stand there', async () => {
      const file = join(folder, 'file.jpg')
      await writeFile(file, 'a picture')
      const [, cid = ''] = (await kubo.cli('add', file)).split(' ')

      const added = await kubo.cli('pin', 'remote', 'add', '--service=pinning', '--name=file.jpg', cid)
      const listed = await kubo.cli('pin', 'remote', 'ls', '--service=pinning', '--status=pinned')
      await kubo.cli('pin', 'remote', 'rm', '--service=pinning', `--cid=${cid}`)

      assert.match(cid, /^Qm/)
      assert.match(added, /Status: pinned/)
      assert.equal(listed, `${cid}\tpinned\tfile.jpg\n`)
      assert.equal(await kubo.cli('pin', 'remote', 'ls', '--service=pinning', '--status=pinned'), '')
    })

    it('works with a slash at the end of the endpoint', async () => {
      const cid = await addedToKubo('slash')

      await kubo.cli('pin', 'remote', 'add', '--service=slash', '--background', '--name=slash', cid)
      await pollUntil(
        async () => (await kubo.cli('pin', 'remote', 'ls', '--service=slash', '--name=slash')).startsWith(cid), { what: 'the pin' }
      )
      await kubo.cli('pin', 'remote', 'rm', '--service=slash', '--name=slash')

      assert.equal(await kubo.cli('pin', 'remote', 'ls', '--service=slash', '--name=slash'), '')
    })

    it('lists more than a thousand, tells how many there are, and removes them all', async () => {
      const names = Array.from({ length: 1100 }, (_, at) => `many ${at}`)
      for (let at = 0; at < names.length; at += 50) {
        await Promise.all(names.slice(at, at + 50).map(async name => fetch(`${peer.service}/api/pinning/pins`, {
          method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          body: JSON.stringify({ cid: inlineCid(name), name })
        })))
      }
      await pollUntil(
        async () => / 1100\b|\/1100\/|1100/.test(await kubo.cli('pin', 'remote', 'service', 'ls', '--stat')),
        { withinMs: 60_000, everyMs: 500, what: 'all pinned' }
      )

      const listed = (await kubo.cli('pin', 'remote', 'ls', '--service=pinning')).trim().split('\n')
      const stat = await kubo.cli('pin', 'remote', 'service', 'ls', '--stat')
      await kubo.cli('pin', 'remote', 'rm', '--service=pinning', '--force', '--status=pinned')
      const left = await kubo.cli('pin', 'remote', 'ls', '--service=pinning')

      assert.equal(new Set(listed.map(line => line.split('\t')[2])).size, 1100)
      assert.match(stat, /pinning\s+\S+\s+0\/0\/1100\/0/)
      assert.equal(left, '')
    })

    it('reports what the service refuses', async () => {
      await kubo.cli('pin', 'remote', 'service', 'add', 'wrong', `${peer.service}/api/pinning`, 'ak_00000000000000000000000000000000')

      await assert.rejects(kubo.cli('pin', 'remote', 'ls', '--service=wrong'), /UNAUTHORIZED|401/)
    })
  })
}
