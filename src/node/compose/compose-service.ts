import type { Startable } from '../../base/lifecycle.ts'
import { mountedRestApi } from '../../api/rest/rest-api.ts'
import { documentRoutes } from '../../api/service/openapi.ts'
import type { ServiceRoute } from '../../api/service/service-route.ts'
import { joinRoutes } from '../../api/service/service-route.ts'
import type { ServiceApiInit } from '../../api/service/service-api.ts'
import { serviceApi } from '../../api/service/service-api.ts'
import { accountRoutes } from '../../api/service/v1/account.ts'
import { adminAuditRoutes } from '../../api/service/v1/admin-audit.ts'
import { adminInviteRoutes } from '../../api/service/v1/admin-invites.ts'
import { adminTaskRoutes } from '../../api/service/v1/admin-tasks.ts'
import { adminUserRoutes } from '../../api/service/v1/admin-users.ts'
import { eventRoutes } from '../../api/service/v1/events.ts'
import { keyRoutes } from '../../api/service/v1/keys.ts'
import { sessionRoutes } from '../../api/service/v1/sessions.ts'
import { taskRoutes } from '../../api/service/v1/tasks.ts'
import { userRoutes } from '../../api/service/v1/users.ts'
import { webhookRoutes } from '../../api/service/v1/webhooks.ts'
import type { WebSite } from '../../api/web/web-pages.ts'
import { webPages } from '../../api/web/web-pages.ts'
import type { ServiceApiConfig } from '../../config/service-config.ts'
import type { ClusterEvents } from '../../events/cluster-events.ts'
import { httpDelivery } from '../../events/webhooks/http-delivery.ts'
import { TrustedProxies } from '../../http/request/trusted-proxies.ts'
import type { Informer } from '../../informer/informer.ts'
import { serviceInformer, serviceMetric } from '../../informer/service/service-informer.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import type { MetricSources } from '../../observe/observer.ts'
import { addressOf } from '../../service/accounts/address.ts'
import { AccountAdmin } from '../../service/accounts/admin.ts'
import { AccountDeletion } from '../../service/accounts/account-deletion.ts'
import { Argon2Passwords, usualArgon2 } from '../../service/accounts/passwords.ts'
import { SqlAccounts } from '../../service/accounts/sql-accounts.ts'
import { sqlAuditLog } from '../../service/audit-log/sql-audit-log.ts'
import { userEvents } from '../../service/events/sql-user-events.ts'
import { webhooks as sqlWebhooks } from '../../service/events/sql-webhooks.ts'
import { TaskWatch } from '../../service/events/task-watch.ts'
import { exportKind } from '../../service/files/account-export.ts'
import { removalTaskKind } from '../../service/files/account-removal.ts'
import { ServiceIdentity } from '../../service/identity/service-identity.ts'
import { ServicePeers } from '../../service/identity/service-peers.ts'
import { sqlTasks } from '../../service/tasks/sql-tasks.ts'
import { TaskOverview } from '../../service/tasks/task-overview.ts'
import { sqlUsage } from '../../service/usage/sql-usage.ts'
import { serviceTotals } from '../../service/usage/totals.ts'
import type { ApisDeps } from './compose-apis.ts'
import { accessLog, tlsOf } from './http-init.ts'
import type { NodeInit } from '../node-contract.ts'
import { restDepsOf } from './rest-deps.ts'
import { loadContent } from '../service/service-content.ts'
import type { ServiceContent, ServiceContentDeps } from '../service/service-content.ts'
import { loadDatabase } from '../service/service-database.ts'
import { loadLimits, loadMail } from '../service/service-adapters.ts'
import { ServiceFigures } from '../service/service-figures.ts'
import { ServiceParts } from '../service/service-parts.ts'
import { registrationOf } from '../service/service-registration.ts'
import { loadWebPages, shownVersion } from '../web-pages.ts'

export interface ServiceDeps extends ApisDeps {
  monitor: Pick<Monitor, 'latest'>
  tracker: ServiceContentDeps['tracker']
  clusterEvents: Pick<ClusterEvents, 'task'>
  /** Publishes what informers say now. */
  announceSoon: () => void
}

/** The service, built and not started. */
export interface ComposedService {
  /** In the order in which they start; the listener first. */
  components: Startable[]
  /** Tells the cluster which service this is. */
  informer: Informer
  figures: NonNullable<MetricSources['service']>
  pendingImport: ServiceContent['pendingImport']
  addresses (): readonly string[]
}

/** Made in a module that is only loaded where `api.service` is configured. */
export type ComposeService = (deps: ServiceDeps) => ComposedService

/** A metric of another peer takes half its time to come, at most. */
const metricTtlMs = 30_000
const serviceName = 'Pinning service'

/** Loads what the section `api.service` asks for: which database, mail and staging it has decides which of their code is loaded. */
export async function loadService (init: NodeInit, section: ServiceApiConfig): Promise<ComposeService> {
  const loaded = await loadParts(init, section)
  return deps => composeService({ init, section, loaded }, deps)
}

/** What is known before the peer is built: its settings, and the code that they ask for. */
interface ServiceInit { init: NodeInit, section: ServiceApiConfig, loaded: Awaited<ReturnType<typeof loadParts>> }
type Ground = ReturnType<typeof composeGround>
type Users = ReturnType<typeof composeUsers>

async function loadParts (init: NodeInit, section: ServiceApiConfig) {
  const { folder } = init
  const [makeDatabase, makeLimits, makeMail, makeContent, web] = await Promise.all([
    loadDatabase({ folder, section, isPeer: true }), loadLimits(section), loadMail(section), loadContent(init, section),
    loadWebPages({ log: init.log.child('service') })
  ])
  return { makeDatabase, makeLimits, makeMail, makeContent, web }
}

/** Layer by layer: what everything stands on, users, members, content, then routes and the API that serves them. */
function composeService (settings: ServiceInit, peer: ServiceDeps): ComposedService {
  const { init, section, loaded } = settings
  const deps = { ...peer, log: peer.log.child('service') }
  const ground = composeGround(settings, deps)
  const { database, usage } = ground
  const users = composeUsers(settings, { ...deps, ...ground })
  const identity = serviceIdentity(init, { ...deps, database })
  const content = loaded.makeContent({ ...deps, ...ground, accounts: users.accounts })
  const peers = servicePeers(init, { ...deps, database, staging: content.staging })
  const routes = routesOf({ section, version: init.version }, { ...ground, ...users, content, clock: deps.clock })
  const api = apiOf(settings, {
    ...peer, usage, limits: ground.limits, routes, accounts: users.accounts, refusal: () => identity.refusal() ?? peers?.refusal() ?? null
  })
  const figures = new ServiceFigures({ ask: async () => serviceTotals({ db: database.db }), workers: deps.workers })
  return {
    components: [api, partsOf({ ...ground, ...users, identity, peers, content, watched: watchedOf(init, figures) }, deps)],
    figures: () => figures.latest(),
    pendingImport: content.pendingImport,
    informer: serviceInformer({ metricTtlMs }, { serviceId: () => identity.ownId(), clock: deps.clock }),
    addresses: () => api.addresses()
  }
}

/** What everything of the service stands on: its database, and what is kept there about whatever happens. */
function composeGround (
  { section, loaded: { makeDatabase, makeLimits, makeMail } }: ServiceInit, { workers, clock, random, log, clusterEvents }: ServiceDeps
) {
  const database = makeDatabase({ clock, random, log, workers })
  const limits = makeLimits({ clock, workers, log })
  const mail = makeMail({ log })
  const audit = sqlAuditLog({ database, random })
  const usage = sqlUsage({ database, workers, clock, log })
  const events = userEvents({}, { database, workers, clock, log })
  const reach = { privateAllowed: section.webhooksPrivate }
  const webhooks = sqlWebhooks(reach, { database, deliver: httpDelivery(reach, { clock }), workers, clock, random, log })
  const tasks = sqlTasks({}, { database, events, workers, clock, random, log })
  const taskWatch = new TaskWatch({ database, told: task => clusterEvents.task(task), clock, log })
  return { database, limits, mail, audit, usage, events, webhooks, tasks, taskWatch }
}

function composeUsers (
  { section }: ServiceInit, { database, audit, mail, events, tasks, workers, random, clock, log }: Ground & ServiceDeps
) {
  const passwords = new Argon2Passwords(usualArgon2, { random })
  const accountsInit = {
    registration: registrationOf(section), quotaBytes: section.quotaBytes, admins: adminsOf(section),
    sessionMs: section.sessionLifetimeMs, serviceName
  }
  const accounts = new SqlAccounts(accountsInit, { database, audit, mail, passwords, workers, random, clock, log })
  accounts.changes.onChange(user => events.endReaders(user))
  const admin = new AccountAdmin(accountsInit, { database, audit, passwords, random, accounts })
  const deletion = new AccountDeletion({ exportKind, removalKind: removalTaskKind }, { database, accounts, audit, tasks })
  return { accounts, admin, deletion }
}

/** Which service this is; refuses to serve beside another one that says it is the same. */
function serviceIdentity (
  { identity, config }: NodeInit, { database, monitor, announceSoon, workers, clock, log }: ServiceDeps & Pick<Ground, 'database'>
): ServiceIdentity {
  return new ServiceIdentity({ self: identity.id, quietMs: metricTtlMs / 2 }, {
    database, announced: () => monitor.latest(serviceMetric),
    members: () => monitor.latest(config.crdt.peersetMetric).map(({ peer }) => peer), announceSoon, workers, clock, log
  })
}

/** The peers that share this database; SQLite has one. */
function servicePeers (
  { identity }: NodeInit, { database, staging, workers, log }: ServiceDeps & Pick<Ground, 'database'> & Pick<ServiceContent, 'staging'>
): ServicePeers | undefined {
  return database.kind === 'postgres' ? new ServicePeers({ self: identity.id }, { database, staging, workers, log }) : undefined
}

function routesOf (
  { section, version }: { section: ServiceApiConfig, version: string },
  { accounts, admin, deletion, database, limits, audit, usage, events, webhooks, tasks, content, clock }:
    Ground & Users & { content: ServiceContent } & Pick<ServiceDeps, 'clock'>
): ServiceRoute[] {
  const routes: ServiceRoute[] = joinRoutes([
    userRoutes({ accounts, perAccount: limits.limit('account', section.rateLimits.perAccount) }),
    keyRoutes({ accounts, usage, now: () => database.now() }),
    taskRoutes({ tasks }),
    eventRoutes({ events, clock }),
    webhookRoutes({ webhooks }),
    sessionRoutes({ accounts }),
    accountRoutes({ deletion, exports: content.exports }),
    adminUserRoutes({ admin, usage }),
    adminInviteRoutes({ admin }),
    adminAuditRoutes({ audit }),
    adminTaskRoutes({ overview: new TaskOverview({ database, tasks, audit }) }),
    content.routes,
    documentRoutes({ version }, () => routes)
  ])
  return routes
}

interface ApiDeps extends ServiceDeps, Pick<Ground, 'usage' | 'limits'>, Pick<Users, 'accounts'> {
  routes: ServiceRoute[]
  refusal: Parameters<typeof serviceApi>[1]['refusal']
}

function apiOf ({ init, section, loaded: { web } }: ServiceInit, deps: ApiDeps): ReturnType<typeof serviceApi> {
  const { clock, usage, limits, routes, accounts, refusal } = deps
  const settings = apiInit(init, section, deps)
  const pages = web == null ? null : webPages({ files: web, site: () => siteOf(init, section), clock })
  const proxies = new TrustedProxies(section.trustedProxies)
  const rest = mountedRestApi(
    { prefix: '/api/cluster', basicAuth: null, logLine: settings.logLine },
    { ...restDepsOf(deps), remoteOf: request => proxies.arrivalOf(request).address || '-' }
  )
  return serviceApi(settings, {
    routes, credentials: accounts, usage, limits, refusal, pages: pages == null ? null : context => pages.answer(context), cluster: rest,
    clock, log: deps.log.child('service')
  })
}

/** Figures are asked for only where somebody looks. */
const watchedOf = ({ config }: NodeInit, figures: ServiceFigures): ServiceFigures[] => config.metrics.enableStats ? [figures] : []

interface AllParts extends Ground, Users {
  identity: ServiceIdentity
  peers: ServicePeers | undefined
  content: ServiceContent
  watched: ServiceFigures[]
}

/** Everything that starts and stops, in the order in which it starts. */
function partsOf (
  { database, content, peers, limits, identity, mail, usage, accounts, events, webhooks, taskWatch, tasks, watched }: AllParts,
  { workers, log }: ServiceDeps
): ServiceParts {
  const data = [
    database, content.staging, ...peers == null ? [] : [peers], limits, identity, mail, usage, accounts, events, webhooks, taskWatch
  ]
  return new ServiceParts([...data, ...content.components, tasks, ...content.last, ...watched], { workers, log })
}

/** What the pages are told. */
const siteOf = (init: NodeInit, section: ServiceApiConfig): WebSite => ({
  kind: 'service',
  gateway: section.gatewayUrl.replace(/\/+$/, ''),
  publicUrl: section.publicUrl.replace(/\/+$/, ''),
  registration: registrationOf(section),
  mail: section.mail.smtpUrl != null || section.mail.log,
  version: shownVersion(init.version)
})

const adminsOf = (section: ServiceApiConfig): Set<string> => new Set(section.admins.map(text => addressOf(text).key))

function apiInit ({ folder }: NodeInit, section: ServiceApiConfig, { observer, log }: ServiceDeps): ServiceApiInit {
  const { rateLimits } = section
  return {
    listen: section.httpListenMultiaddress,
    tls: tlsOf(folder, section),
    publicUrl: section.publicUrl,
    trustedProxies: section.trustedProxies,
    limits: {
      perKey: rateLimits.perKey, perAddress: rateLimits.perAddress,
      tight: { 'sign-up': rateLimits.signUp, login: rateLimits.login, code: rateLimits.code }
    },
    readHeaderMs: section.readHeaderTimeoutMs,
    idleMs: section.idleTimeoutMs,
    maxHeaderBytes: section.maxHeaderBytes,
    maxConnections: section.maxConnections,
    logLine: accessLog(folder, section.httpLogFile, log.child('servicelog')),
    wrap: observer.requests('service')
  }
}
