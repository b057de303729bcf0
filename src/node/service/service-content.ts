import { Delegates } from '../../api/common/delegates.ts'
import { gatewayRoutes } from '../../api/service/gateway/gateway.ts'
import { pinningRoutes } from '../../api/service/pinning/routes.ts'
import type { ServiceRoute } from '../../api/service/service-route.ts'
import { fileRoutes } from '../../api/service/v1/files.ts'
import { groupRoutes } from '../../api/service/v1/groups.ts'
import { linkRoutes } from '../../api/service/v1/links.ts'
import { pinTransferRoutes } from '../../api/service/v1/pins.ts'
import { resumableRoutes } from '../../api/service/v1/resumable.ts'
import { uploadRoutes } from '../../api/service/v1/uploads.ts'
import type { Startable } from '../../base/lifecycle.ts'
import type { GatewayConfig, ServiceApiConfig } from '../../config/service-config.ts'
import { newFindings, readSection } from '../../config/reader.ts'
import { gatewaySection } from '../../config/sections/gateway.ts'
import type { Accounts } from '../../service/accounts/accounts.ts'
import type { AuditLog } from '../../service/audit-log/audit-log.ts'
import type { UserEvents } from '../../service/events/user-events.ts'
import { AccountExports } from '../../service/files/account-export.ts'
import { accountRemoval } from '../../service/files/account-removal.ts'
import type { GatewayAccess } from '../../service/files/files.ts'
import { serviceFiles } from '../../service/files/service-files.ts'
import { pinParts } from '../../service/pins/compose-pins.ts'
import type { PinPartsDeps } from '../../service/pins/compose-pins.ts'
import { reservationExpiry, sqlQuota } from '../../service/quota/sql-quota.ts'
import { Reconciliation } from '../../service/reconcile/reconciliation.ts'
import type { SqlDatabase } from '../../service/sql/sql.ts'
import type { Staging } from '../../service/staging/staging.ts'
import type { Tasks } from '../../service/tasks/tasks.ts'
import { liveStagingKeys } from '../../service/uploads/upload-rows.ts'
import { uploadService } from '../../service/uploads/upload-service.ts'
import type { Usage } from '../../service/usage/usage.ts'
import { composeContent } from '../compose/compose-gateway.ts'
import type { ApisDeps } from '../compose/compose-apis.ts'
import type { NodeInit } from '../node-contract.ts'
import { loadStaging } from './service-adapters.ts'

export interface ServiceContentDeps extends ApisDeps {
  tracker: PinPartsDeps['tracker']
  database: SqlDatabase, events: Pick<UserEvents, 'record'>, audit: AuditLog, usage: Usage, tasks: Tasks
  accounts: Pick<Accounts, 'changed'>
}

/** Everything of the service that has to do with content, built and not started. */
export interface ServiceContent {
  /** Behind the database. */
  staging: Staging
  /** In the order in which they start, behind database and staging, and before the tasks. */
  components: Startable[]
  /** Behind the tasks. */
  last: Startable[]
  routes: ServiceRoute[]
  exports: AccountExports
  pendingImport: GatewayAccess['pendingImport']
}

/** Loads the staging that the section asks for; puts uploads, files, pins and their routes together. */
export async function loadContent (init: NodeInit, section: ServiceApiConfig): Promise<(deps: ServiceContentDeps) => ServiceContent> {
  const makeStaging = await loadStaging(init, section)
  return deps => {
    const { database, cluster, consensus, importers, reader, usage, accounts, workers, clock, random, log } = deps
    const staging = makeStaging({ log })
    const quota = sqlQuota({ database, random })
    const pinning = pinParts({ privateAllowed: section.webhooksPrivate }, { ...deps, pinset: consensus, quota })
    const { clusterPins, pins } = pinning
    const files = serviceFiles({}, { ...deps, quota, clusterPins, pins, staging })
    const uploads = uploadService({ peer: init.identity.id }, {
      ...deps, quota, files, staging, importer: importers.unixfs, importCar: importers.car
    })
    const leaving = { ...deps, files, pins, uploads, quota, clusterPins, staging, changed: (user: string) => accounts.changed(user) }
    accountRemoval(leaving)
    const exports = new AccountExports(leaving)
    const reconciliation = new Reconciliation({ ...deps, clusterPins, quota, staging, liveStagingKeys: liveStagingKeys({ database }) })
    const pendingImport: GatewayAccess['pendingImport'] = root => files.access.pendingImport(root)
    const content = composeContent(init.config.api.gateway ?? gatewayDefaults(), { ...deps, pendingImport })
    const expiry: Startable = {
      name: 'service reservations',
      start: async () => { workers.add(reservationExpiry({ database, quota })) },
      stop: async () => {}
    }
    return {
      staging,
      components: [...pinning.components, files, uploads],
      last: [expiry, reconciliation],
      routes: [
        ...uploadRoutes({ uploads }),
        ...resumableRoutes({ uploads, clock, random }),
        ...linkRoutes({ uploads, now: () => database.now() }),
        ...fileRoutes({ files, usage, reader, clock }),
        ...groupRoutes({ groups: files.groups }),
        ...pinTransferRoutes({ pins, startImport: pinning.startImport }),
        ...pinningRoutes({ pins, cluster, delegates: new Delegates({ cluster, clock, log }), strict: section.pinning.strict }),
        ...gatewayRoutes({ gatewayUrl: section.gatewayUrl, isOpen: section.gateway.open }, {
          access: files.access, denylist: deps.denylist, content
        })
      ],
      exports,
      pendingImport
    }
  }
}

/** What the section `api.gateway` says when it says nothing. */
const gatewayDefaults = (): GatewayConfig => readSection(gatewaySection, null, {
  variables: {}, findings: newFindings()
}) as unknown as GatewayConfig
