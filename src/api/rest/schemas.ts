/** JSON schemas of what the routes answer, for the OpenAPI document (api/types.go). */
const string = { type: 'string' }
const integer = { type: 'integer' }
const boolean = { type: 'boolean' }
const time = { type: 'string', format: 'date-time' }
const orNull = (schema: { type: string }): Record<string, unknown> => ({ ...schema, type: [schema.type, 'null'] })
const list = (items: unknown): { type: string, items: unknown } => ({ type: 'array', items })
const mapOf = (values: unknown): { type: string, additionalProperties: unknown } => ({ type: 'object', additionalProperties: values })
const object = (properties: Record<string, unknown>): Record<string, unknown> => ({ type: 'object', properties })
const ref = (name: string): Record<string, unknown> => ({ $ref: `#/components/schemas/${name}` })

const metric = {
  name: string, peer: string, value: string, expire: integer, valid: boolean, weight: integer, partitionable: boolean, received_at: integer
}

const delivery = {
  delivery_id: string, at: time, attempt: integer, events: integer, type: string, status: orNull(integer), error: orNull(string),
  took_ms: integer
}

const number = { type: 'number' }
const pace = { at_once: integer, max_pins_per_second: number, max_bytes_per_second: number }

const drain = object({
  peer: string, peername: string, state: { enum: ['draining', 'waiting', 'drained'] }, reason: string, since: time, ended_at: orNull(time),
  pins: integer, left: integer, moved: integer, fewer: integer,
  in_transit: integer, stuck: integer, everywhere: integer, bytes: integer, left_ms: orNull(integer), ...pace
})

/** The JSON of the REST API, by the names that `ResponseDoc.schema` uses. */
export const restSchemas: Readonly<Record<string, unknown>> = {
  Error: object({ code: integer, message: string }),
  Version: object({ version: string }),
  Token: object({ token: string }),
  Id: object({
    id: string,
    addresses: orNull(list(string)),
    cluster_peers: orNull(list(string)),
    cluster_peers_addresses: orNull(list(string)),
    version: string,
    commit: string,
    rpc_protocol_version: string,
    error: string,
    ipfs: object({ id: string, addresses: orNull(list(string)), error: string }),
    peername: string
  }),
  Pin: object({
    replication_factor_min: integer,
    replication_factor_max: integer,
    name: string,
    mode: { enum: ['recursive', 'direct'] },
    shard_size: integer,
    user_allocations: orNull(list(string)),
    expire_at: time,
    metadata: orNull(mapOf(string)),
    pin_update: orNull(string),
    origins: orNull(list(string)),
    cid: string,
    type: { enum: ['bad-type', 'pin', 'meta-pin', 'clusterdag-pin', 'shard-pin'] },
    allocations: list(string),
    max_depth: integer,
    reference: orNull(string),
    timestamp: time
  }),
  PinInfo: object({
    peername: string,
    ipfs_peer_id: string,
    ipfs_peer_addresses: list(string),
    status: string,
    timestamp: time,
    error: string,
    attempt_count: integer,
    priority_pin: boolean
  }),
  GlobalPinInfo: object({
    cid: string,
    name: string,
    allocations: orNull(list(string)),
    origins: orNull(list(string)),
    created: time,
    metadata: orNull(mapOf(string)),
    peer_map: mapOf(ref('PinInfo'))
  }),
  Added: object({ name: string, cid: orNull(string), bytes: integer, size: integer, allocations: list(string) }),
  Metric: object(metric),
  Metrics: list(ref('Metric')),
  MetricNames: list(string),
  Alerts: list(object({ ...metric, triggered_at: time })),
  Warnings: list(object({
    level: { enum: ['warn', 'error'] }, component: string, message: string, facts: { type: 'object' }, first_at: time, last_at: time,
    count: integer
  })),
  Delivery: object(delivery),
  Webhooks: list(object({
    id: integer, url: string, types: list(string), failures: integer, next_try_at: orNull(time), missed: boolean,
    deliveries: list(ref('Delivery'))
  })),
  Bandwidth: mapOf(object({ total_in: integer, total_out: integer, rate_in: { type: 'number' }, rate_out: { type: 'number' } })),
  ConnectGraph: object({
    cluster_id: string,
    id_to_peername: mapOf(string),
    ipfs_links: mapOf(list(string)),
    cluster_links: mapOf(list(string)),
    cluster_trust_links: mapOf(boolean),
    cluster_to_ipfs: mapOf(string)
  }),
  GlobalRepoGc: object({
    peer_map: mapOf(object({ peer: string, peername: string, keys: list(object({ key: orNull(string), error: string })), error: string }))
  }),
  Progress: list(object({
    peer: string,
    peername: string,
    error: string,
    reason: string,
    operation: {
      ...object({
        type: string, phase: string, since: time, attempt_count: integer, error: string, queue_length: integer,
        queue_position: orNull(integer), queue: orNull(string), estimated_start: orNull(time), next_try_at: orNull(time)
      }),
      type: ['object', 'null']
    },
    ipfs: {
      ...object({
        phase: { enum: ['connecting', 'fetching', 'no_peers', 'no_providers', 'storing', 'done'] },
        blocks: integer,
        bytes: integer,
        fetched_blocks: integer,
        fetched_bytes: integer,
        wanted_block: orNull(string),
        wanted_since: orNull(time),
        peers_asked: list(string),
        next_try_at: orNull(time),
        started_at: time
      }),
      type: ['object', 'null']
    }
  })),
  PinsHealth: object({
    at: time,
    pins: integer,
    everywhere: integer,
    under_replicated: integer,
    unreachable: integer,
    peers: list(object({
      peer: string, peername: string, missing: boolean, last_seen: orNull(time), pins: integer, alone: integer, statuses: mapOf(integer)
    }))
  }),
  Drain: drain,
  Drains: list(ref('Drain')),
  RebalancePlan: object({
    peers: list(ref('BalanceShare')), pins: integer, count: integer,
    moves: list(object({ cid: string, from: string, to: string, why: { enum: ['load', 'group'] } }))
  }),
  Rebalance: object({
    state: { enum: ['planning', 'moving', 'done', 'cancelled'] }, reason: string, since: time, ended_at: orNull(time), planned: integer,
    moved: integer, failed: integer, in_transit: integer, ...pace, peers: list(ref('BalanceShare'))
  }),
  BalanceShare: object({ peer: string, peername: string, capacity: number, pins: integer, goal: integer, after: integer }),
  Audit: object({
    id: integer, peer: string, state: { enum: ['running', 'done', 'cancelled', 'failed'] }, repair: boolean, by_itself: boolean,
    since: time, ended_at: orNull(time),
    pins: integer, skipped: integer, blocks: integer, bytes: integer, bad: integer, failed: integer, bad_blocks: integer,
    repaired_blocks: integer, error: string
  }),
  Audits: list(ref('Audit')),
  AuditResult: object({
    peer: string, cid: string, at: time, state: { enum: ['good', 'bad', 'repaired', 'failed'] }, blocks: integer, bytes: integer,
    bad_blocks: list(string), bad_count: integer, repaired: integer, error: string
  }),
  ClusterSync: object({
    own: { ...object({ pins: integer, digest: string, heads: list(string), complete: boolean }), type: ['object', 'null'] },
    peers: list(object({
      peer: string,
      peername: string,
      trusted: boolean,
      state: { enum: ['in_sync', 'ahead', 'behind', 'differs', 'out_of_sync', 'unknown'] },
      since: orNull(time),
      by: { enum: ['digest', 'heads', null] },
      pins: orNull(integer),
      digest: orNull(string),
      heads: list(string)
    }))
  }),
  PinsetDiff: object({
    one: string,
    other: string,
    same_heads: boolean,
    more: boolean,
    pins: list(object({ cid: string, one: orNull(string), other: orNull(string) })),
    repair: { ...list(object({ peer: string, lost_blocks: integer, mended: integer })), type: ['array', 'null'] }
  }),
  MetricHistory: object({
    every_ms: integer, at: list(integer), series: list(object({ name: string, peer: string, values: list(orNull({ type: 'number' })) }))
  }),
  Readiness: object({
    ready: boolean,
    problems: list({
      enum: [
        'starting', 'behind', 'dirty', 'damaged', 'read_only', 'ipfs_unavailable', 'gossip_silent', 'peers_silent', 'isolated',
        'pins_set_aside', 'pins_damaged', 'denylist_broken', 'out_of_sync'
      ]
    }),
    pins: integer, heads: integer, height: integer
  }),
  OpenApi: { type: 'object' }
}
