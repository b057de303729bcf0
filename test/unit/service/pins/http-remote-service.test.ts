import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { isClusterError } from '../../../../src/base/errors.ts'
import { systemClock } from '../../../../src/base/system.ts'
import { endpointUrl, httpRemoteService, refusePrivateEndpoint } from '../../../../src/service/pins/http-remote-service.ts'
import { OtherService } from '../../../support/remote-pins.ts'

const isInvalid = (err: unknown): boolean => isClusterError(err, 'INVALID_ARGUMENT')
const { signal } = new AbortController()

describe('the endpoint of another pinning service', () => {
  const other = new OtherService(3)
  let endpoint = ''
  before(async () => { endpoint = await other.start() })
  after(async () => other.stop())

  it('is an http address of a public network, without credentials', () => {
    const strict = { privateAllowed: false }
    assert.equal(endpointUrl('https://api.example.com/psa/', strict).href, 'https://api.example.com/psa')
    assert.equal(endpointUrl('https://api.example.com/psa/pins?limit=1#x', strict).href, 'https://api.example.com/psa')
    for (const bad of [
      'ftp://example.com', 'file:///etc/passwd', 'https://user:pass@example.com', 'http://127.0.0.1:5001', 'http://[::1]', 'http://0x7f.1',
      'http://[::ffff:10.0.0.1]', 'nothing'
    ]) {
      assert.throws(() => endpointUrl(bad, strict), isInvalid, bad)
    }
  })

  it('is not connected to when its name leads to a private network at that moment', async () => {
    const connected = other.asked.length
    const { port } = new URL(endpoint)
    const lookup = (
      _name: string, _options: unknown, done: (err: null, addresses: Array<{ address: string, family: number }>) => void
    ): void => done(null, [{ address: '127.0.0.1', family: 4 }])
    const remote = httpRemoteService(
      { endpoint: `http://rebound.example:${port}`, token: other.token, privateAllowed: false }, { clock: systemClock, lookup }
    )

    await assert.rejects(remote.page({ limit: 10, signal }), isInvalid)
    await assert.rejects(refusePrivateEndpoint(`http://rebound.example:${port}`, { privateAllowed: false }, { lookup }), isInvalid)

    assert.equal(other.asked.length - connected, 0)
  })

  it('gives pages of pins that are wanted there', async () => {
    const remote = httpRemoteService({ endpoint, token: other.token, privateAllowed: true }, { clock: systemClock })

    const page = await remote.page({ limit: 2, before: '2027-01-01T00:00:00Z', signal })

    assert.equal(page.count, 3)
    assert.deepEqual(page.pins[0], {
      requestId: 'r0', cid: other.pins[0]?.pin.cid, name: 'pin 0', origins: [], meta: { at: '0' }, created: '2026-01-01T00:00:00.000Z'
    })
    assert.match(other.asked.at(-1) ?? '', /^\/psa\/pins\?status=queued%2Cpinning%2Cpinned&limit=2&before=2027/)
  })

  it('is tried again later when it is busy, and given up when it sends elsewhere', async () => {
    const remote = httpRemoteService({ endpoint, token: other.token, privateAllowed: true }, { clock: systemClock })
    const answering = async (status: number): Promise<string> => {
      other.before = () => ({ status })
      return remote.page({ limit: 2, signal }).then(() => 'fine', err => err.code)
    }

    assert.equal(await answering(503), 'NOT_READY')
    assert.equal(await answering(429), 'NOT_READY')
    assert.equal(await answering(403), 'NOT_AUTHORIZED')
    assert.equal(await answering(302), 'UNSUPPORTED')
  })

  it('is given up when it changes the protocol instead of answering', async () => {
    const server = createServer(socket => {
      socket.on('error', () => {}).once('data', () => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n')
      })
    })
    await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
    const remote = httpRemoteService(
      { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 'x', privateAllowed: true }, { clock: systemClock }
    )

    await assert.rejects(remote.page({ limit: 1, signal }), { code: 'UNSUPPORTED' })
    await new Promise(resolve => { server.close(resolve) })
  })
})
