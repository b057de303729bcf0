import { bool, duration, field, group, int, size } from '../fields.ts'
import type { ValuesOf } from '../fields.ts'
import { bytes, dnsResolvers, multiaddr, multiaddrs, olderMultiaddr, oneOf } from '../kinds.ts'
import { section } from '../section.ts'

/** Where an IPFS node finds its first peers in the public network (Helia's own list). */
const publicBootstrap = [
  '/dnsaddr/bootstrap.libp2p.io/p2p/QmNnooDu7bfjPFoTZYxMNLWUQJyrVwtbZg5gBMjTezGAJN',
  '/dnsaddr/bootstrap.libp2p.io/p2p/QmbLHAnMoJPWSCR5Zhtx6BHJX9KiKNN6tpvbUcqanj75Nb',
  '/dnsaddr/bootstrap.libp2p.io/p2p/QmcZf59bWwK5XFi76CZX8cbJ4BhTzzA3gU1ZjYZcYW3dwt',
  '/dnsaddr/va1.bootstrap.libp2p.io/p2p/12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8',
  '/ip4/104.131.131.82/tcp/4001/p2p/QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ'
]

const own = { reading: 'plain' } as const

const minute = 60_000

const ipns = group({
  record_lifetime: duration(
    '48h0m0s', 'How long a published name is valid when nothing is said, and after each round.', { ...own, atLeast: minute }
  ),
  republish_period: duration(
    '4h0m0s', 'How often published names are signed and given to the DHT again.', { ...own, atLeast: minute, atMost: 24 * 60 * minute }
  ),
  resolve_timeout: duration('1m0s', 'How long the DHT is asked for a name; the best record so far counts.', { ...own, above: 0 }),
  cache_size: int(128, 'Names whose answer is kept, of keys and of domains. 0: none.', { ...own, atLeast: 0, atMost: 100_000 }),
  max_cache_ttl: duration('1h0m0s', 'An answer is kept for its TTL, but not longer than this.', { ...own, atLeast: 0 })
}, 'Names made of keys (`/ipns/k51…`).')

const dnslink = group({
  resolvers: field(
    dnsResolvers, ['system'],
    'Who is asked for `/ipns/DOMAIN`, one after the other until one answers: the machine\'s resolver, or DNS over HTTPS. Empty: domains are not looked up.',
    { ...own, testDefault: [] }
  ),
  timeout: duration('10s', 'How long one look-up may take.', { ...own, above: 0 }),
  concurrency: int(32, 'Look-ups at a time; the others wait.', { ...own, above: 0, atMost: 1024 })
}, 'Names that are domains (`/ipns/example.org`, https://dnslink.dev).')

const heliaFields = {
  listen_multiaddress: field(
    multiaddrs(), ['/ip4/0.0.0.0/tcp/4001'], 'Where other IPFS nodes connect. An empty list: nowhere.',
    { ...own, testDefault: ['/ip4/127.0.0.1/tcp/4001'] }
  ),
  announce: field(multiaddrs(), [], 'Tell others these addresses instead of the ones listened on.', own),
  bootstrap: field(
    multiaddrs({ withPeer: true }), publicBootstrap, 'First peers to connect to. An empty list: none.', { ...own, testDefault: [] }
  ),
  storage_max: size('10GB', 'How much the blocks may take on the disk; "freespace" is counted from it.', own),
  gc_watermark: int(
    90, 'Percent of that room (or of what the disk leaves) from which on garbage is collected without being asked. 0: never.',
    { ...own, atLeast: 0, atMost: 100 }
  ),
  blockstore: field(oneOf(['segments', 'level']), 'segments', 'How blocks are stored: append-only segments, or LevelDB.', own),
  gateway_multiaddress: field(
    olderMultiaddr, null, 'Older name of `api.gateway.listen_multiaddress`; where it is given, it wins. Empty: no gateway.',
    { ...own, omitDefault: true }
  ),
  dht: field(
    oneOf(['auto', 'client', 'server', 'off']), 'auto',
    'Part in the DHT. `auto`: server when others can reach this node. `off`: the DHT is not used.', { ...own, testDefault: 'off' }
  ),
  provide: field(
    oneOf(['roots', 'pinned', 'all', 'off']), 'roots',
    'What the DHT is told to be here: roots of pins, all blocks of pins, all blocks, or nothing.', { ...own, testDefault: 'off' }
  ),
  reprovide_interval: duration('22h0m0s', 'How often the DHT is told again. 0: never.', { ...own, atLeast: 0 }),
  fetch_concurrency: int(64, 'Blocks of one pin that are fetched at the same time.', { ...own, above: 0, atMost: 1024 }),
  pin_timeout: duration('2m0s', 'A pin fails when no block came for this long.', { ...own, above: 0 }),
  max_pin_size: field(
    bytes, 0, 'The most that the content of one pin may be, such as "10GB": pins of more fail while they are fetched. 0: no limit.',
    { ...own, omitDefault: true }
  ),
  max_pin_blocks: int(0, 'The same in blocks. 0: no limit.', { ...own, atLeast: 0, omitDefault: true }),
  unpin_disable: bool(false, 'Refuse to unpin: nothing ever leaves this node.', { ...own, omitDefault: true }),
  repogc_timeout: duration('24h0m0s', 'How long a garbage collection may take.', { ...own, above: 0 }),
  ipfs_request_timeout: duration('5m0s', 'How long resolving a path or reading a block may take.', { ...own, above: 0 }),
  connect_swarms_delay: duration(
    '30s',
    "How long after the start this node connects to the other peers' IPFS nodes, and until the next try while some are not connected. 0: never.",
    { ...own, atLeast: 0 }
  ),
  informer_trigger_interval: int(0, 'Publish metrics after this many pins and unpins. 0: by time only.', { ...own, atLeast: 0 }),
  ipns,
  dnslink
}

/** The values of `ipfs_connector.helia`. */
export type HeliaConfig = ValuesOf<typeof heliaFields>

/** What is used unless there is `ipfs_connector.ipfshttp`. */
export const heliaSection = section({
  path: 'ipfs_connector.helia',
  doc: 'The embedded IPFS node. Its identity is in ipfs-identity.json.',
  fields: heliaFields
})

const ipfshttpFields = {
  node_multiaddress: field(
    multiaddr, '/ip4/127.0.0.1/tcp/5001', "The Kubo's RPC API; `/unix/…` and `/dns4/…` work.", { reading: 'literal' }
  ),
  connect_swarms_delay: duration(
    '30s', "How long after the start the Kubo is connected to the other peers' nodes, and until the next try while some are not. 0: never.",
    { atLeast: 0 }
  ),
  ipfs_request_timeout: duration('5m0s', 'How long a request may take.', { atLeast: 0 }),
  pin_timeout: duration('2m0s', 'A pin fails when it makes no progress for this long.', { atLeast: 0 }),
  unpin_timeout: duration('3h0m0s', 'How long an unpin may take.', { atLeast: 0 }),
  repogc_timeout: duration('24h0m0s', 'How long a garbage collection may take.', { atLeast: 0 }),
  informer_trigger_interval: int(0, 'Publish metrics after this many pins and unpins. 0: by time only.', { atLeast: 0 }),
  unpin_disable: bool(false, 'Refuse to unpin: nothing ever leaves the Kubo.', { omitDefault: true })
}

/** The values of `ipfs_connector.ipfshttp`. */
export type IpfsHttpConfig = ValuesOf<typeof ipfshttpFields>

/** Go's connector; that it is there chooses Kubo. */
export const ipfshttpSection = section({
  path: 'ipfs_connector.ipfshttp', doc: 'An external Kubo instead of the embedded node.', fields: ipfshttpFields
})
