import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { runCtlHere } from '../../../support/ctl.ts'
import { testCertificate } from '../../http/test-certificate.ts'

describe('ctl over TLS', () => {
  const asked: Array<string | undefined> = []
  const server = createServer(testCertificate, ({ headers }, response) => {
    asked.push(headers.authorization)
    response.end('{"version":"1.1.6"}')
  })
  let host: string[]
  before(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening')
    host = ['--host', `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}`]
  })
  after(() => { server.close() })

  it('refuses a certificate that nobody vouches for, before it sends anything', async () => {
    const { status, stdout, stderr } = await runCtlHere([...host, '--https', '--basic-auth', 'user:secret', 'version'])

    assert.notEqual(status, 0)
    assert.match(stdout + stderr, /certificate/)
    assert.deepEqual(asked, [])
  })

  it('takes it with --no-check-certificate; credentials alone turn TLS on', async () => {
    const { status, stdout } = await runCtlHere([...host, '--no-check-certificate', '--basic-auth', 'user:secret', 'version'])

    assert.deepEqual([status, stdout], [0, '1.1.6\n'])
    assert.deepEqual(asked, [`Basic ${Buffer.from('user:secret').toString('base64')}`])
  })
})
