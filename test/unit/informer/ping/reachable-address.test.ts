import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isReachable } from '../../../../src/informer/ping/ping-informer.ts'

const reachable = [
  '/ip4/1.2.3.4/tcp/4001',
  '/ip4/10.0.0.5/tcp/4001/p2p/12D3KooWNode',
  '/ip4/192.168.1.2/udp/4001/quic-v1',
  '/ip4/100.64.0.1/tcp/4001',
  '/ip4/126.255.255.255/tcp/1',
  '/ip6/2001:db8::1/tcp/4001',
  '/ip6/fd00::1/tcp/4001',
  '/ip4/5.6.7.8/tcp/4001/p2p/12D3KooWRelay/p2p-circuit',
  '/dns/example.net/tcp/4001',
  '/dns4/example.net/tcp/443/wss',
  '/dns6/example.net/tcp/443/wss',
  '/dnsaddr/bootstrap.example.net',
  '/dns4/localhost/tcp/4001'
]

const hidden = [
  '/ip4/127.0.0.1/tcp/4001',
  '/ip4/127.8.9.10/tcp/4001',
  '/ip4/0.0.0.0/tcp/4001',
  '/ip4/169.254.3.4/tcp/4001',
  '/ip4/224.0.0.251/udp/5353',
  '/ip4/239.255.0.1/udp/5353',
  '/ip4/255.255.255.255/udp/1',
  '/ip6/::1/tcp/4001',
  '/ip6/::/tcp/4001',
  '/ip6/fe80::1/tcp/4001',
  '/ip6/ff02::fb/udp/5353',
  '/ip6/::ffff:127.0.0.1/tcp/4001',
  '/ip6zone/eth0/ip6/fe80::1/tcp/4001',
  '/unix/tmp/socket',
  '/p2p/12D3KooWNode',
  '/p2p-circuit',
  '/ip4/no-address/tcp/4001',
  '/dns4',
  'ip4/1.2.3.4',
  ''
]

describe('reachable addresses', () => {
  for (const address of reachable) it(`${address} is one`, () => assert.ok(isReachable(address)))
  for (const address of hidden) it(`"${address}" is none`, () => assert.ok(!isReachable(address)))
})
