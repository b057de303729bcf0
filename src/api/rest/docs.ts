import type { ParameterDoc, ResponseDoc, RouteDoc } from '../../http/routing/route.ts'
import { queryDoc } from '../../http/routing/route.ts'

/** Parameters and answers that several routes share, for the OpenAPI document and docs/reference/rest-api.md. */
const inPath = (name: string, about: string): ParameterDoc => ({ name, in: 'path', type: 'string', about })

/** Of paths with `{cid}`. The texts in this file are what the OpenAPI document says. */
export const cid = inPath('cid', 'A CID in any multibase.')
/** Of paths with `{peer}`. */
export const peer = inPath('peer', 'A peer ID.')
/** Of the start of an audit. */
export const auditOptions: readonly ParameterDoc[] = [
  queryDoc('cids', 'string', 'Comma list of CIDs. Default: everything that the peer holds.'),
  queryDoc('sample', 'string', 'So many pins of a hundred, such as 1 or 0.5.'),
  queryDoc('peer', 'string', 'A peer ID: its IPFS node is asked for random blocks. Default: this peer, which reads all of its blocks.'),
  queryDoc('repair', 'boolean', 'true: fetch again what is missing or damaged.')
]
/** Of an audit's results. */
export const isBad = queryDoc('bad', 'boolean', 'true: only pins that were incomplete.')
/** Of the comparison of two peers' pinsets. */
export const twoPeers = [inPath('one', 'A peer ID.'), inPath('other', 'Another peer ID.')]
/** Of paths with a metric's name. */
export const metric = inPath('name', 'The name of a metric, such as ping or freespace.')
/** Of pinning by path. */
export const contentPath = [inPath('namespace', 'ipfs, ipns or ipld.'), inPath('path', 'The rest of the path, e.g. CID/folder/file.')]
/** Of all routes that can be answered for one peer alone. */
export const local = queryDoc('local', 'boolean', 'true: only the peer that is asked.')
/** Of lists of statuses. */
export const statusFilter = queryDoc(
  'filter', 'string',
  'Comma list of statuses: pinned, pinning, pin_queued, pin_error, error, queued, remote, …; under_replicated: pins that fewer peers have than shall have them.'
)
/** Of lists in which peers that left may stand. */
export const missing = queryDoc(
  'missing', 'boolean', 'true: also missing peers, as far as this peer heard of them or the pinset names them.'
)
/** Of the pinset. */
export const typeFilter = queryDoc('filter', 'string', 'Comma list of pin types: pin, meta-pin, clusterdag-pin, shard-pin, all.')
/** Of paths with a configured webhook. */
export const webhookId = inPath('id', 'The number of the webhook.')
/** Of streams of events. */
export const eventOptions: readonly ParameterDoc[] = [
  queryDoc(
    'types', 'string',
    'Comma list: types such as pin.status, or what they are about (pin, peer, alert, warning, task). Default: all.'
  ),
  queryDoc(
    'after', 'string',
    'The id of the last event that was read, as the header Last-Event-ID; oldest: all that is kept. Default: from now on.'
  ),
  queryDoc('wait', 'boolean', 'false: the stream ends behind what there is now. Default true.')
]
/** Of lists of statuses. */
export const cids = queryDoc('cids', 'string', 'Comma list of CIDs: only these; filter is ignored.')

/** Go's options of a pin, in the query. */
export const pinOptions: readonly ParameterDoc[] = [
  queryDoc('name', 'string', 'A name for the pin.'),
  queryDoc('mode', 'string', 'recursive (default) or direct.'),
  queryDoc('replication', 'integer', 'Sets both factors.'),
  queryDoc('replication-min', 'integer', '0: the default of the peer; -1: everywhere.'),
  queryDoc('replication-max', 'integer', '0: the default of the peer; -1: everywhere.'),
  queryDoc('shard-size', 'integer', 'Bytes of one shard.'),
  queryDoc('user-allocations', 'string', 'Comma list of preferred peer IDs.'),
  queryDoc('expire-at', 'string', 'RFC 3339. Wins over expire-in.'),
  queryDoc('expire-in', 'string', 'A duration such as 1h30m; at least 1s.'),
  queryDoc('max-size', 'string', 'The most that the content may be, such as 100MB: the pin fails when it is more. Kept as metadata.'),
  queryDoc('max-blocks', 'integer', 'The same in blocks.'),
  queryDoc('meta-KEY', 'string', 'Metadata; any number of them.'),
  queryDoc('pin-update', 'string', 'A pinned CID whose options the new pin takes over.'),
  queryDoc('origins', 'string', 'Comma list of multiaddresses with /p2p/.')
]

/** Of moving one pin. */
export const moveOptions: readonly ParameterDoc[] = [
  queryDoc('from', 'string', 'The peer ID that shall lose the pin. One that is there keeps it until the others have it.'),
  queryDoc('to', 'string', 'Comma list of peer IDs that shall get it. Default: the allocator chooses one.')
]

/** Of everything that moves many pins. */
export const paceOptions: readonly ParameterDoc[] = [
  queryDoc('max-pins-per-second', 'string', 'How many moves begin each second. 0: no limit.'),
  queryDoc(
    'max-bytes-per-second', 'string',
    'By how much the repositories that take pins grow each second; the next move waits until then. 0: no limit.'
  ),
  queryDoc('at-once', 'integer', 'Moves under way, 1 to 1024. Default 32.')
]

/** Of the start of a rebalancing. */
export const rebalanceOptions: readonly ParameterDoc[] = [
  queryDoc('by', 'string', 'Comma list of tags: pins are spread over their values. Default: those of allocate_by.'),
  queryDoc('equal', 'boolean', 'true: all peers have the same share; default: by what their repositories may hold.')
]

const flag = (name: string, about: string): ParameterDoc => queryDoc(name, 'boolean', about)

/** Go's options of an upload: those of its pin, then those of its DAG. */
export const addOptions: readonly ParameterDoc[] = [
  ...pinOptions.filter(({ name }) => name !== 'pin-update' && name !== 'mode'),
  queryDoc('layout', 'string', 'balanced (default) or trickle.'),
  queryDoc('chunker', 'string', 'size-N, rabin, rabin-MIN-AVG-MAX or buzhash. Default size-262144.'),
  queryDoc('hash', 'string', 'Name of the hash function. Default sha2-256.'),
  queryDoc('format', 'string', 'unixfs (default) or car.'),
  queryDoc('cid-version', 'integer', '0 (default) or 1.'),
  flag('raw-leaves', 'Leaves are raw blocks. Default: with cid-version 1.'),
  flag('wrap-with-directory', 'Puts everything into one directory.'),
  flag('stream-channels', 'false: one JSON array at the end. Default true.'),
  flag('progress', 'Adds lines with the bytes read so far.'),
  flag('local', 'Blocks go to this peer only.'),
  flag('no-pin', 'Blocks are stored, nothing is pinned.'),
  flag('shard', 'Splits the DAG into shards of shard-size bytes.'),
  flag('nocopy', 'Refused for uploads.')
]

const badRequest: ResponseDoc = { status: 400, about: 'The request is not valid.', schema: 'Error' }
const refused: ResponseDoc = { status: 500, about: 'The cluster refuses or fails; the message says why.', schema: 'Error' }
/** Of routes with `webhookId`. */
export const noWebhook: ResponseDoc = { status: 404, about: 'There is no such webhook.', schema: 'Error' }
/** Of routes about a drain. */
export const noDrain: ResponseDoc = { status: 404, about: 'The peer is not being drained.', schema: 'Error' }
/** Only the peer that began a drain can change it. */
export const drainedElsewhere: ResponseDoc = { status: 409, about: 'Another peer drains it; the message says which.', schema: 'Error' }
/** Of routes about the rebalancing. */
export const noRebalance: ResponseDoc = { status: 404, about: 'There is no rebalance.', schema: 'Error' }
/** Of routes about one pin. */
export const absent: ResponseDoc = { status: 404, about: 'The pin is not part of the pinset.', schema: 'Error' }

/** What would pin or add content of a denylist. */
export const denied: readonly ResponseDoc[] = [
  { status: 403, about: 'This peer denies the content.', schema: 'Error' },
  { status: 451, about: 'This peer denies the content for legal reasons.', schema: 'Error' }
]

/** The documents of a route that answers with one object. */
export function answers (summary: string, schema: string, more: Partial<RouteDoc> = {}): RouteDoc {
  const { parameters = [], responses = [], ...rest } = more
  const wrong = parameters.length > 0 || rest.requestBody != null ? [badRequest] : []
  return { summary, ...rest, parameters, responses: [{ status: 200, about: 'Done.', schema }, ...wrong, ...responses, refused] }
}

/** The documents of a route that answers with JSON lines. */
export function streams (summary: string, schema: string, parameters: readonly ParameterDoc[] = []): RouteDoc {
  const wrong = parameters.length > 0 ? [badRequest] : []
  return {
    summary, parameters,
    responses: [{ status: 200, about: 'A stream.', schema, stream: true }, { status: 204, about: 'There is nothing.' }, ...wrong, refused]
  }
}
