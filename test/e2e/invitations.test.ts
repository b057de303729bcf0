import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { runService } from '../support/peer-process.ts'
import { quietMs } from '../support/poll.ts'
import { serviceProcess } from '../support/service-process.ts'
import type { ServiceProcess } from '../support/service-process.ts'

describe('invitations by the command line, beside a running peer', { timeout: quietMs(60_000) }, () => {
  let service: ServiceProcess
  before(async () => {
    service = await serviceProcess({ registration: 'invite' })
    await service.start()
  })
  after(async () => { await service?.peer.remove() })

  const user = async (...args: string[]): Promise<{ status: number | null, out: string, lines: string[] }> => {
    const { status, stdout } = await runService(['-c', service.peer.folder, 'user', ...args])
    return { status, out: stdout.trim(), lines: stdout.trim().split('\n').slice(1) }
  }
  const register = async (email: string, invite: string): Promise<number> => {
    const body = JSON.stringify({ email, password: 'correct horse', invite })
    return (
      await fetch(`${service.api}/api/v1/users/register`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    ).status
  }

  it('are made, listed without their codes, and revoked for good', async () => {
    const { out: used } = await user('invite', 'ben@example.com')
    const { out: revoked } = await user('invite', '--days', '3')
    assert.equal(await register('ben@example.com', used), 201)
    const open = await user('invite', 'list')
    const [id = ''] = open.lines[0]?.split(' ') ?? []
    assert.equal((await user('invite', 'revoke', id)).status, 0)

    assert.equal(await register('carol@example.com', revoked), 422)
    const all = await user('invite', 'list', '--all')
    assert.deepEqual([open.lines.length, (await user('invite', 'list')).lines.length], [1, 0])
    assert.deepEqual(all.lines.map(line => line.split(/ +/)[1]).toSorted(), ['revoked', 'used'])
    assert.match(all.out, /used +ben@example\.com .* ben@example\.com$/m)
    assert.ok(![used, revoked].some(code => all.out.includes(code)))
    assert.notEqual((await user('invite', 'revoke', 'nothing')).status, 0)
  })
})
