import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { describe, it } from 'node:test'
import { countedAddress, TrustedProxies } from '../../../src/http/request/trusted-proxies.ts'

const request = (remoteAddress: string | undefined, headers: Record<string, string> = {}): IncomingMessage => ({
  socket: { remoteAddress }, headers
}) as unknown as IncomingMessage

describe('trusted proxies', () => {
  const proxies = new TrustedProxies(['10.0.0.0/8', '::1'])

  it('say where a request comes from; nobody else does', () => {
    const told = {
      'x-forwarded-for': '203.0.113.1, 192.0.2.7', 'x-forwarded-host': 'pins.example', 'x-forwarded-proto': 'https', host: 'inside:9099'
    }

    assert.deepEqual(proxies.arrivalOf(request('10.1.2.3', told)), { address: '192.0.2.7', scheme: 'https', host: 'pins.example' })
    assert.deepEqual(proxies.arrivalOf(request('::ffff:10.1.2.3', told)), { address: '192.0.2.7', scheme: 'https', host: 'pins.example' })
    assert.deepEqual(proxies.arrivalOf(request('192.0.2.99', told)), { address: '192.0.2.99', scheme: 'http', host: 'inside:9099' })
  })

  it('may stand behind each other', () => {
    assert.equal(
      proxies.arrivalOf(request('10.0.0.1', { 'x-forwarded-for': '203.0.113.1, 198.51.100.2, 10.0.0.2' })).address, '198.51.100.2'
    )
  })

  it('are their own clients when they tell nobody', () => assert.equal(proxies.arrivalOf(request('10.0.0.1')).address, '10.0.0.1'))
  it(
    'are behind a unix socket, too',
    () => assert.equal(proxies.arrivalOf(request(undefined, { 'x-forwarded-for': '192.0.2.1' })).address, '192.0.2.1')
  )
})

describe('the address that is counted', () => {
  for (
    const [address, counted] of [
      ['192.0.2.1', '192.0.2.1'], ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'], ['2001:db8::1', '2001:db8:0:0::/64'],
      ['::1', '0:0:0:0::/64'], ['fe80::1%eth0', 'fe80:0:0:0::/64'], ['', '']
    ] as const
  ) {
    it(`of ${JSON.stringify(address)} is ${JSON.stringify(counted)}`, () => assert.equal(countedAddress(address), counted))
  }
})
