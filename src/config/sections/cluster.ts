import { bool, duration, field, group, int, size } from '../fields.ts'
import type { ValuesOf } from '../fields.ts'
import { float, multiaddrs, names, oneOf, optionalPeerId, privateKey, secretHex, text } from '../kinds.ts'
import { section } from '../section.ts'
import type { Finding } from '../section.ts'

const connectionManager = group({
  high_water: int(400, 'Above this number of connections some are closed.', { above: 0, reading: 'literal' }),
  low_water: int(100, 'Closing stops at this number; below it the peer looks for others again.', { above: 0, reading: 'literal' }),
  grace_period: duration('2m0s', 'New connections are left alone for this long.', { above: 0, reading: 'literal' })
}, 'Limits on the connections of the cluster host.')

const noManager = {
  inert: 'libp2p in JavaScript has no resource manager; connections are limited by connection_manager, streams and messages by fixed limits.'
}

const resourceManager = group({
  enabled: bool(true, 'Whether the limits below hold.', noManager),
  memory_limit_bytes: int(0, '0: a quarter of the memory.', { atLeast: 0, ...noManager }),
  file_descriptors_limit: int(0, '0: half of what the process may open.', { atLeast: 0, ...noManager })
}, 'Limits on what libp2p may use.')

const pubsub = group({
  seen_messages_ttl: duration(
    '30m0s', 'How long a message counts as seen.', { above: 0, inert: 'Go reads the key and always takes 30 minutes; so do we.' }
  ),
  heartbeat_interval: duration('10s', 'Interval of gossip.', { above: 0 }),
  d_factor: int(4, 'Multiplies the mesh sizes of gossipsub: D is six times this.', { atLeast: 1, reading: 'literal' }),
  history_gossip: int(2, 'Heartbeats whose messages are gossiped.', { above: 0, reading: 'literal' }),
  history_length: int(6, 'Heartbeats whose messages are kept.', { above: 0, reading: 'literal' }),
  flood_publish: bool(false, 'Send own messages to all known peers.')
}, 'Gossip between cluster peers.')

const healing = group({
  after: duration(
    '0s',
    'How long a peer must be down before its pins are allocated to other peers. 0s: at once, as Go. A peer that is back before keeps everything.',
    { atLeast: 0, reading: 'plain', omitDefault: true }
  ),
  max_pins_per_second: field(
    float({ atLeast: 0 }), 0, 'How many pins this peer gives to others each second. 0: no limit, as Go.',
    { reading: 'plain', omitDefault: true }
  ),
  when_back: field(
    oneOf(['leave', 'give_back']), 'leave',
    '`leave`: a peer that comes back has lost its pins, as in Go. `give_back`: its pins are lent to one more peer, which loses them again when the peer is back and still has them; after a day away the peer loses them for good.',
    { reading: 'plain', omitDefault: true }
  )
}, 'What becomes of the pins of a peer that is down, unless `disable_repinning`. Go has no such keys: its peers act at once.')

const audit = group({
  interval: duration(
    '720h0m0s', 'How often this peer reads all that it holds and checks it against its hashes. 0s: only when somebody asks.',
    { atLeast: 0, reading: 'plain', omitDefault: true }
  ),
  max_rate: size('20MB', 'How much is read each second, also when somebody asks.', { reading: 'plain', omitDefault: true }),
  repair: bool(
    true, 'Fetch again what is missing or damaged, in the audits that come by themselves.', { reading: 'plain', omitDefault: true }
  )
}, 'Whether the data is really there. For the embedded IPFS node.')

const fields = {
  id: field(optionalPeerId, '', 'Only in files of old versions: the identity is in identity.json.', { omitDefault: true }),
  peername: field(text, '', 'A name for people. Empty: the name of the machine.'),
  private_key: field(
    privateKey, '', 'Only in files of old versions: the identity is in identity.json.', { omitDefault: true, hidden: true }
  ),
  secret: field(
    secretHex, '',
    'The same 32 bytes on all peers: who does not have them cannot connect. Empty: an unprotected network. Absent: the peer does not start.',
    { reading: 'literal', hidden: true }
  ),
  leave_on_shutdown: bool(false, 'Leave the cluster when the peer stops.', {
    inert: 'a CRDT cluster has no list of members to leave, a stopped peer is gone when its metrics expire. The state stays on the disk; Go wipes it.'
  }),
  listen_multiaddress: field(multiaddrs({ notEmpty: true }), ['/ip4/0.0.0.0/tcp/9096', '/ip4/0.0.0.0/udp/9096/quic'],
    'Where other cluster peers connect. Only TCP and WebSocket addresses listen.',
    { reading: 'literal', testDefault: ['/ip4/127.0.0.1/tcp/9096'] }),
  announce_multiaddress: field(multiaddrs(), [], 'Tell others these addresses instead of the ones listened on.'),
  no_announce_multiaddress: field(multiaddrs(), [], 'Addresses not to tell others; `/ip4/10.0.0.0/ipcidr/8` stands for a range.'),
  enable_relay_hop: bool(
    true, 'Relay connections for peers that cannot be reached, while this peer is publicly reachable. Absent means false.',
    { testDefault: false }
  ),
  connection_manager: connectionManager,
  resource_manager: resourceManager,
  pubsub,
  dial_peer_timeout: duration('3s', 'How long one dial may take.', { above: 0 }),
  state_sync_interval: duration('5m0s', 'How often expired pins are removed.', { above: 0 }),
  pin_recover_interval: duration('12m0s', 'How often failed pins are tried again.', { above: 0 }),
  replication_factor_min: int(-1, 'Fewest peers that must hold a pin that does not say. -1: all peers.', { atLeast: -1 }),
  replication_factor_max: int(-1, 'Most peers that hold a pin that does not say. -1: all peers.', { atLeast: -1 }),
  monitor_ping_interval: duration('15s', 'How often this peer says that it is alive; it counts as down after twice that.', { above: 0 }),
  peer_watch_interval: duration(
    '5s', 'How often the set of peers is looked at.', { above: 0, inert: 'peers of a CRDT cluster come and go with their metrics.' }
  ),
  mdns_interval: duration('10s', 'Above 0: find peers on the local network. 0: off.', { testDefault: '0s' }),
  pin_only_on_trusted_peers: bool(false, 'Give pins to trusted peers only.'),
  pin_only_on_untrusted_peers: bool(false, 'Give pins to untrusted peers only.'),
  disable_repinning: bool(true, 'Leave pins of a lost peer where they are. Absent means false.'),
  healing,
  audit,
  block_workers: int(
    -1,
    'Threads that hash and check the blocks of large uploads. -1: one for each core but one, 16 at most, none on two cores; they begin with the first large upload and end after a minute without. 0: the main thread does it.',
    { atLeast: -1, atMost: 64, reading: 'plain', omitDefault: true }
  ),
  follower_mode: bool(false, 'Refuse to change the pinset.', { omitDefault: true }),
  peerstore_file: field(text, '', 'The file of known peers. Empty: `peerstore` in the folder.', { omitDefault: true }),
  denylists: field(
    names, ['denylists'],
    'Content that this peer refuses to fetch, keep and serve: compact denylists (IPIP-383), files or folders of `*.deny` files, absolute or relative to the folder. The folder `denylists` may be missing, everything else has to be there. Read anew when they change. See operations/denylists.md.',
    { reading: 'plain', omitDefault: true }
  ),
  peer_addresses: field(multiaddrs({ withPeer: true }), [], 'Peers to connect to at every start, before those of the peerstore.')
}

/** The values of the section, durations in milliseconds. So are those of the other sections. */
export type ClusterConfig = ValuesOf<typeof fields>

/** The keys that lie in `cluster` itself. */
export const clusterSection = section({
  path: 'cluster',
  doc: 'The peer itself and its place in the cluster.',
  fields,
  check: values => [...checkReplication(values), ...checkConnections(values), ...checkPinOnly(values)]
})

function checkReplication ({ replicationFactorMin: min, replicationFactorMax: max }: ClusterConfig): Finding[] {
  if ((min === -1) !== (max === -1)) {
    return [{ key: 'replication_factor_min', value: min, allowed: `-1 exactly when replication_factor_max (${max}) is -1` }]
  }
  return min > max ? [{ key: 'replication_factor_min', value: min, allowed: `at most replication_factor_max (${max})` }] : []
}

function checkConnections ({ connectionManager: { lowWater, highWater } }: ClusterConfig): Finding[] {
  return lowWater > highWater
    ? [{ key: 'connection_manager.low_water', value: lowWater, allowed: `at most high_water (${highWater})` }]
    : []
}

function checkPinOnly ({ pinOnlyOnTrustedPeers, pinOnlyOnUntrustedPeers }: ClusterConfig): Finding[] {
  if (!pinOnlyOnTrustedPeers || !pinOnlyOnUntrustedPeers) return []
  return [{ key: 'pin_only_on_trusted_peers', value: true, allowed: 'false while pin_only_on_untrusted_peers is true' }]
}
