import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isPrivateAddress } from '../../../../src/base/public-address.ts'
import { originPolicy } from '../../../../src/service/pins/tenant-pins.ts'

describe('private addresses', () => {
  it('are those of this machine, this site and their disguises', () => {
    const found = [
      '127.0.0.1', '127.8.8.8', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0',
      '224.0.0.1', '255.255.255.255',
      '192.88.99.1', '192.0.0.171', '::1', '::', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fd12:3456::1', 'ff02::1', '::ffff:127.0.0.1',
      '::ffff:7f00:1', '64:ff9b::10.0.0.1', '2002:7f00:1::', '::10.0.0.1',
      // translated, tunnelled, not given out
      '::ffff:0:127.0.0.1', '::ffff:0:7f00:1', '64:ff9b:1::a00:1', '2001:0:4136:e378:8000:63bf:3fff:fdd2', '2001:db8:0:1:0:5efe:10.0.0.1',
      '2a00::200:5efe:10.0.0.1', '100::1', '4000::1', 'fec0::1', '5f00::1', '1::1'
    ].filter(address => !isPrivateAddress(address))

    assert.deepEqual(found, [])
  })

  it('are those that this machine has, in any spelling', () => {
    const own = (): string[] => ['203.0.113.7', '2606:4700:0:0::7', 'fe80::1%eth0']

    const found = [
      '203.0.113.7', '::ffff:203.0.113.7', '64:ff9b::203.0.113.7', '2002:cb00:7107::', '2606:4700::7',
      '2606:4700:0000:0000:0000:0000:0000:0007'
    ].filter(address => !isPrivateAddress(address, own))

    assert.deepEqual([found, isPrivateAddress('203.0.113.8', own), isPrivateAddress('2606:4700::8', own)], [[], false, false])
  })

  it('are no public ones, and no names', () => {
    const found = [
      '1.1.1.1', '203.0.113.1', '172.32.0.1', '192.169.0.1', '2606:4700::1111', '::ffff:1.1.1.1', '64:ff9b::1.1.1.1', '2002:101:101::1',
      'localhost', 'example.com', ''
    ].filter(address => isPrivateAddress(address, () => []))

    assert.deepEqual(found, [])
  })
})

describe('addresses that are dialed for users', () => {
  const origins = [
    '/ip4/203.0.113.1/tcp/4001', '/ip4/127.0.0.1/tcp/4001', '/ip6/::1/tcp/4001', '/dns4/example.com/tcp/4001',
    '/ip6/2606:4700::1111/udp/4001/quic-v1', '/p2p/12D3KooWAa9jSCJA1yb5AkFT2ai8LfysdeTd52Y1o52poDvLhqaE'
  ]

  it('are those of public networks', () => {
    assert.deepEqual(
      originPolicy({ privateAllowed: false })(origins), ['/ip4/203.0.113.1/tcp/4001', '/ip6/2606:4700::1111/udp/4001/quic-v1']
    )
  })

  it('are all of them where that is allowed', () => {
    assert.deepEqual(originPolicy({ privateAllowed: true })(origins), origins)
  })
})
