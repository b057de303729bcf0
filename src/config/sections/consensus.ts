import { duration, field, group, int } from '../fields.ts'
import type { ValuesOf } from '../fields.ts'
import { strings, text, trustedPeers } from '../kinds.ts'
import { section } from '../section.ts'

const crdtFields = {
  cluster_name: field(text, 'ipfs-cluster', 'The name of the topic that the peers share. The same on all of them.'),
  trusted_peers: field(
    trustedPeers, ['*'], 'Peers whose changes are taken over. "*": all. Absent means nobody but this peer.', { reading: 'literal' }
  ),
  batching: group({
    max_batch_size: int(0, 'A delta block is cut when it has this many changes. 0: no batching.', { atLeast: 0, reading: 'literal' }),
    max_batch_age: duration('0s', 'A delta block is cut at this age. 0: no batching.', { atLeast: 0, lenient: true }),
    max_queue_size: int(50000, 'Changes that may wait.', { above: 0, omitDefault: true })
  }, 'Many changes in one delta block.'),
  repair_interval: duration('1h0m0s', 'How often missing blocks of the history are looked for. 0: never.', { atLeast: 0, lenient: true }),
  rebroadcast_interval: duration(
    '1m0s', 'How often the newest changes are announced again.', { above: 0, omitDefault: true, lenient: true }
  ),
  peerset_metric: field(text, 'ping', 'The metric that makes a peer a member.', { omitDefault: true }),
  datastore_namespace: field(
    text, '/c', 'Where the keys begin in the datastore.', { omitDefault: true, inert: 'the pinset has a datastore of its own.' }
  )
}

/** The values of `consensus.crdt`. */
export type CrdtConfig = ValuesOf<typeof crdtFields>

/** The only consensus there is: `raft` is refused when the file is read. */
export const crdtSection = section({ path: 'consensus.crdt', doc: 'How the peers agree on the pinset.', fields: crdtFields })

/** Refused in a file. Its variables are checked, since a broken one stops Go's peers too, and otherwise have no effect. */
export const raftSection = section({
  path: 'consensus.raft',
  doc: 'Not supported: use `consensus.crdt`.',
  fields: {
    data_folder: field(text, '', 'Ignored.'),
    init_peerset: field(strings, [], 'Ignored.'),
    wait_for_leader_timeout: duration('15s', 'Ignored.'),
    network_timeout: duration('10s', 'Ignored.'),
    commit_retries: int(1, 'Ignored.'),
    commit_retry_delay: duration('200ms', 'Ignored.'),
    backups_rotate: int(6, 'Ignored.'),
    datastore_namespace: field(text, '/r', 'Ignored.'),
    heartbeat_timeout: duration('1s', 'Ignored.'),
    election_timeout: duration('1s', 'Ignored.'),
    commit_timeout: duration('50ms', 'Ignored.'),
    max_append_entries: int(64, 'Ignored.'),
    trailing_logs: int(10240, 'Ignored.'),
    snapshot_interval: duration('2m0s', 'Ignored.'),
    snapshot_threshold: int(8192, 'Ignored.'),
    leader_lease_timeout: duration('500ms', 'Ignored.')
  }
})
