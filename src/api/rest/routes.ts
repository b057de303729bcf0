import type { ClusterApi } from '../../cluster/cluster-api.ts'
import type { Clock } from '../../base/clock.ts'
import type { Authenticator } from '../../http/request/auth.ts'
import { openApiDocument } from '../../http/routing/openapi.ts'
import type { Reply } from '../../http/answer/reply.ts'
import { jsonReply } from '../../http/answer/reply.ts'
import type { Route, RouteDoc } from '../../http/routing/route.ts'
import { fast, open, RouteList } from '../../http/routing/route-list.ts'
import { goJson } from '../../model/go-json.ts'
import {
  absent, addOptions, answers, auditOptions, cid, cids, contentPath, denied, eventOptions, isBad, local, metric, drainedElsewhere, missing,
  moveOptions, noDrain, noRebalance, noWebhook, paceOptions, peer, pinOptions, rebalanceOptions, statusFilter, streams, twoPeers,
  typeFilter,
  webhookId
} from './docs.ts'
import { frontPage } from './front-page.ts'
import { addHandler } from './handlers-add.ts'
import { AuditHandlers } from './handlers-audit.ts'
import { EventHandlers } from './handlers-events.ts'
import type { Watching } from './handlers-events.ts'
import { InfoHandlers } from './handlers-info.ts'
import { PeerHandlers } from './handlers-peers.ts'
import { MovingHandlers } from './handlers-moving.ts'
import { PinHandlers } from './handlers-pins.ts'
import { SyncHandlers } from './handlers-sync.ts'
import { restSchemas } from './schemas.ts'

export interface RestRoutesDeps { cluster: ClusterApi, authenticator: Authenticator | null, watching: Watching, clock: Clock }

const anyPath = '/pins/{namespace:ipfs|ipns|ipld}/{path:.*}'

/** The routes of the REST API in Go's order (api/rest); the first that fits wins. */
export function restRoutes (deps: RestRoutesDeps): Route[] {
  const { cluster, authenticator } = deps
  const info = new InfoHandlers(deps)
  const events = new EventHandlers(deps)
  const router = new RouteList()
  declareSelf(router, info)
  declarePeers(router, new PeerHandlers(cluster))
  declareMoving(router, new MovingHandlers(cluster))
  router.post('/add', addHandler(deps), fast(adding))
  declarePins(router, new PinHandlers(deps))
  router.post('/ipfs/gc', info.gc, answers('Collects garbage on the IPFS nodes.', 'GlobalRepoGc', { parameters: [local] }))
  declareAudits(router, new AuditHandlers(cluster))
  declareHealth(router, { info, events, sync: new SyncHandlers(cluster) })
  declareEvents(router, events)
  declareMonitor(router, info)
  declareAccess(router, info)
  const document = (): Reply => jsonReply(goJson(openApiDocument({
    title: 'Helia Cluster REST API', version: cluster.version, routes: router.routes, schemas: restSchemas, hasAuth: authenticator != null
  })))
  router.get('/openapi.json', document, {
    summary: 'This document.', responses: [{ status: 200, about: 'OpenAPI 3.1.', schema: 'OpenApi' }]
  })
  return router.routes
}

function declareSelf (router: RouteList, info: InfoHandlers): void {
  router.get('/', frontPage, {
    summary: 'A page for browsers: what this is.',
    responses: [{ status: 200, about: 'With text/html in Accept.' }, { status: 404, about: 'For all others.', schema: 'Error' }]
  })
  router.get('/id', info.id, fast(answers('This peer.', 'Id')))
  router.get('/version', info.version, fast(answers('The version of this peer.', 'Version')))
}

function declarePeers (router: RouteList, peers: PeerHandlers): void {
  router.get('/peers', peers.list, fast(streams('The peers of the cluster.', 'Id', [missing])))
  router.post(
    '/peers', peers.add,
    answers('Adds a peer.', 'Id', { requestBody: { contentType: 'application/json', about: '{"peer_id":"…"}' } })
  )
  router.delete('/peers/{peer}', peers.remove, removal)
}

function declareMoving (router: RouteList, moving: MovingHandlers): void {
  router.get(
    '/peers/{peer}/drain', moving.drain,
    answers('How far the drain of a peer is.', 'Drain', { parameters: [peer], responses: [noDrain, drainedElsewhere] })
  )
  router.post('/peers/{peer}/drain', moving.startDrain, draining)
  router.delete(
    '/peers/{peer}/drain', moving.cancelDrain,
    answers('Ends a drain; what has moved stays where it is.', 'Drain', { parameters: [peer], responses: [noDrain, drainedElsewhere] })
  )
  router.get('/drains', moving.drains, answers('The drains that the asked peer does.', 'Drains'))
  router.get('/rebalance', moving.rebalanceStatus, answers('How far the rebalance is.', 'Rebalance', { responses: [noRebalance] }))
  router.get('/rebalance/plan', moving.plan, answers('What a rebalance would move.', 'RebalancePlan', { parameters: rebalanceOptions }))
  router.post('/rebalance', moving.rebalance, rebalancing)
  router.delete(
    '/rebalance', moving.cancelRebalance,
    answers('Ends a rebalance; moves under way go on.', 'Rebalance', { responses: [noRebalance] })
  )
}

function declarePins (router: RouteList, pins: PinHandlers): void {
  router.get('/allocations', pins.allocations, fast(streams('The pinset.', 'Pin', [typeFilter])))
  router.get(
    '/allocations/{cid}', pins.allocation,
    fast(answers('One pin of the pinset.', 'Pin', { parameters: [cid], responses: [absent] }))
  )
  router.get('/pins', pins.statusAll, fast(streams('The status of all pins.', 'GlobalPinInfo', [statusFilter, cids, local, missing])))
  router.post('/pins/{cid}/move', pins.move, movingOne)
  router.post(
    '/pins/{cid}/recover', pins.recover,
    answers('Queues a pin again that failed.', 'GlobalPinInfo', { parameters: [cid, local] })
  )
  router.post('/pins/{cid}/sync', pins.sync, answers('Deprecated: the status of one pin.', 'GlobalPinInfo', { parameters: [cid, local] }))
  router.post('/pins/recover', pins.recoverAll, fast(streams('Queues all pins again that failed.', 'GlobalPinInfo', [local])))
  router.post(
    '/pins/sync', pins.syncAll,
    fast(streams('Deprecated: the status of all pins.', 'GlobalPinInfo', [statusFilter, cids, local]))
  )
  router.get('/pins/{cid}/progress', pins.progress, answers('How far a pin is on each peer.', 'Progress', { parameters: [cid] }))
  router.get('/pins/{cid}', pins.status, fast(answers('The status of one pin.', 'GlobalPinInfo', { parameters: [cid, local] })))
  router.post(
    '/pins/{cid}', pins.pin,
    fast(answers('Pins a CID.', 'Pin', { parameters: [cid, ...pinOptions], responses: [...denied, absent] }))
  )
  router.post(
    anyPath, pins.pinPath,
    answers('Pins what a path leads to.', 'Pin', { parameters: [...contentPath, ...pinOptions], responses: [...denied, absent] })
  )
  router.delete('/pins/{cid}', pins.unpin, fast(answers('Unpins a CID.', 'Pin', { parameters: [cid], responses: [absent] })))
  router.delete(anyPath, pins.unpinPath, answers('Unpins what a path leads to.', 'Pin', { parameters: contentPath, responses: [absent] }))
}

function declareAudits (router: RouteList, audits: AuditHandlers): void {
  router.post('/audit', audits.start, auditing)
  router.get('/audit', audits.list, answers('Audits of this process, newest first.', 'Audits'))
  router.delete(
    '/audit', audits.cancel,
    answers('Ends the audit under way.', 'Audit', { responses: [{ status: 404, about: 'None is under way.', schema: 'Error' }] })
  )
  router.get('/audit/results', audits.results, streams('The latest result of each pin, by peer.', 'AuditResult', [isBad]))
}

function declareHealth (
  router: RouteList, { info, events, sync }: { info: InfoHandlers, events: EventHandlers, sync: SyncHandlers }
): void {
  router.get('/health/graph', info.graph, answers('Who is connected to whom.', 'ConnectGraph'))
  router.get('/health/alerts', info.alerts, answers('Metrics that expired, newest first.', 'Alerts'))
  router.get(
    '/health/pins', info.pinsHealth,
    answers('Figures of the pinset: what missing peers cost, what peers have to do.', 'PinsHealth')
  )
  router.get('/health/sync', sync.sync, answers('Whether the pinsets of the other peers are the same as this one\'s.', 'ClusterSync'))
  router.get('/health/diff/{one}/{other}', sync.diff, diffing('The pins in which two peers differ.'))
  router.post('/health/diff/{one}/{other}', sync.repair, diffing('The same, and lets both merge their histories again.'))
  router.get('/health/bandwidth', info.bandwidth, answers('Bytes by protocol.', 'Bandwidth'))
  router.get(
    '/health/warnings', events.warnings,
    answers('Warnings and errors of this peer\'s log in the last hour, newest first.', 'Warnings')
  )
}

function declareEvents (router: RouteList, events: EventHandlers): void {
  router.get('/events', events.events, watching)
  router.get('/webhooks', events.webhooks, answers('The webhooks of the configuration, and what was sent to them.', 'Webhooks'))
  router.post(
    '/webhooks/{id}/test', events.testWebhook,
    answers('Sends a test to a webhook; tells how it went.', 'Delivery', { parameters: [webhookId], responses: [noWebhook] })
  )
}

function declareMonitor (router: RouteList, info: InfoHandlers): void {
  router.get('/monitor/metrics/{name}', info.metrics, answers('The last values of a metric.', 'Metrics', { parameters: [metric] }))
  router.get('/monitor/history', info.metricHistory, answers('What metrics were in the last hour.', 'MetricHistory'))
  router.get('/monitor/metrics', info.metricNames, answers('The names of the metrics.', 'MetricNames'))
}

/** Tokens, and what tells anybody that the peer runs. */
function declareAccess (router: RouteList, info: InfoHandlers): void {
  router.post('/token', info.token, {
    summary: 'A token to use instead of the password.',
    responses: [
      { status: 200, about: 'The token.', schema: 'Token' },
      { status: 401, about: 'No credentials are configured, or they are wrong.', schema: 'Error' }
    ]
  })
  router.get('/health/ready', info.ready, open(readiness))
  router.get(
    '/health', info.health,
    fast(open({ summary: 'Answers when the peer runs.', responses: [{ status: 204, about: 'It runs.' }] }))
  )
}

const watching: RouteDoc = {
  summary: 'What happens in the cluster, as this peer sees it, as server-sent events.',
  parameters: eventOptions,
  responses: [
    { status: 200, about: 'Events (text/event-stream): id, type, at, data. The first is `ready`; `missed` says that some were dropped.' },
    { status: 429, about: 'Too many listen already.', schema: 'Error' },
    { status: 500, about: 'The cluster refuses or fails.', schema: 'Error' }
  ]
}

const removal: RouteDoc = {
  summary: 'Moves all pins of a peer elsewhere and takes it out of the allocations.',
  parameters: [peer],
  responses: [
    { status: 204, about: 'All pins have moved.' },
    { status: 400, about: 'Not a peer ID, or this peer itself.', schema: 'Error' },
    { status: 404, about: 'No such peer.', schema: 'Error' },
    { status: 409, about: 'Pins are left that have not moved yet.', schema: 'Error' },
    { status: 500, about: 'The cluster refuses or fails.', schema: 'Error' }
  ]
}

const movingOne: RouteDoc = answers('Gives a pin another peer in the place of one that has it.', 'Pin', {
  parameters: [cid, ...moveOptions],
  responses: [absent, {
    status: 409, about: 'Somebody else changed the pin at the same time, or too many pins are being moved.', schema: 'Error'
  }]
})

const draining: RouteDoc = answers('Moves everything away from a peer, or changes how fast.', 'Drain', {
  parameters: [peer, ...paceOptions],
  responses: [
    { status: 404, about: 'No such peer.', schema: 'Error' },
    {
      status: 409, about: 'The other peers are too few for its pins, another peer drains it, or too many are being drained.',
      schema: 'Error'
    }
  ]
})

const rebalancing: RouteDoc = answers('Moves pins until all peers are filled alike.', 'Rebalance', {
  parameters: [...rebalanceOptions, ...paceOptions],
  responses: [{ status: 409, about: 'One is under way already.', schema: 'Error' }]
})

const auditing: RouteDoc = answers('Begins to look whether what a peer holds is really there.', 'Audit', {
  parameters: auditOptions,
  responses: [
    { status: 400, about: 'The options are not valid, or the IPFS node is an external one.', schema: 'Error' },
    { status: 404, about: 'No such peer, or no such pin.', schema: 'Error' },
    { status: 409, about: 'Another audit is under way.', schema: 'Error' }
  ]
})

const diffing = (summary: string): RouteDoc => answers(summary, 'PinsetDiff', {
  parameters: twoPeers,
  responses: [
    { status: 400, about: 'Not peer IDs, or one of them is a Go peer.', schema: 'Error' },
    { status: 404, about: 'One of them is not there.', schema: 'Error' },
    { status: 503, about: 'One of them is counting its pinset, or answers others just now.', schema: 'Error' }
  ]
})

const readiness: RouteDoc = {
  summary: 'Whether the peer is ready: not behind the others, and with its IPFS node.',
  responses: [
    { status: 200, about: 'It is ready; it may be checking a branch again.', schema: 'Readiness' },
    { status: 503, about: 'Send requests to another peer.', schema: 'Readiness' }
  ]
}

const adding: RouteDoc = {
  summary: 'Adds files, directories or a CAR, and pins them.',
  parameters: addOptions,
  requestBody: {
    contentType: 'multipart/form-data',
    about: 'Parts with a filename (query-escaped path); application/x-directory and application/symlink parts are directories and links.'
  },
  responses: [
    { status: 200, about: 'What was added, as it is known.', schema: 'Added', stream: true },
    { status: 400, about: 'The options or the body are not valid.', schema: 'Error' },
    ...denied.map(one => ({ ...one, about: `With stream-channels=false: ${one.about.charAt(0).toLowerCase()}${one.about.slice(1)}` })),
    { status: 500, about: 'With stream-channels=false: adding failed.', schema: 'Error' }
  ]
}
