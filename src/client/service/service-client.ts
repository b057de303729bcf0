import { ServiceAccount, ServiceTasks } from './account.ts'
import { ServiceAdmin } from './admin.ts'
import { ServiceCaller } from './caller.ts'
import type { CallOptions, ServiceClientInit } from './caller.ts'
import { ServiceFiles, ServiceGroups } from './files.ts'
import { ServicePins } from './pins.ts'
import { ServiceLinks, ServiceUploads } from './uploads.ts'
import { ServiceWebhooks } from './webhooks.ts'
import { eventsOf, eventsPath } from '../event-stream.ts'
import type { ClusterEvent, EventsQuery } from '../event-stream.ts'

// this file is the package's entry `helia-cluster/service-client`
export { ServiceError } from './caller.ts'
export type { CallOptions, ServiceClientInit } from './caller.ts'
export type { UploadFile } from './files.ts'
export type { FileContent } from '../multipart.ts'
export type { ClusterEvent, EventsQuery } from '../event-stream.ts'
export type { ResumableUploads, SendOptions } from './uploads.ts'
export { tarOf, tarPieces } from './tar-of.ts'
export type { TarFile } from './tar-of.ts'
export type * from './types.ts'

/**
 * The pinning service of a peer (section `api.service`), for Node and browsers: `new ServiceClient({ url, key })`. Each method is one
 * request (docs/reference/service.md); lists are async iterables. Errors are `ServiceError`s with the answer's `status` and message.
 *
 * @example
 * ```ts
 * import { ServiceClient } from 'helia-cluster/service-client'
 *
 * const service = new ServiceClient({ url: 'https://pins.example.com', key: 'ak_…' })
 * const { cid } = await service.files.upload({ path: 'report.pdf', content: new Blob(['…']) }, { meta: { project: 'x' } })
 * for await (const file of service.files.list({ q: 'report', sort: '-size_bytes' })) console.log(file.cid === cid, file.state)
 * ```
 */
export class ServiceClient {
  readonly account: ServiceAccount
  readonly files: ServiceFiles
  readonly groups: ServiceGroups
  readonly uploads: ServiceUploads
  readonly links: ServiceLinks
  readonly pins: ServicePins
  readonly tasks: ServiceTasks
  readonly admin: ServiceAdmin
  readonly webhooks: ServiceWebhooks
  readonly #caller: ServiceCaller

  constructor (init: ServiceClientInit = {}) {
    const caller = new ServiceCaller(init)
    this.account = new ServiceAccount(caller)
    this.files = new ServiceFiles(caller)
    this.groups = new ServiceGroups(caller)
    this.uploads = new ServiceUploads(caller)
    this.links = new ServiceLinks(caller)
    this.pins = new ServicePins(caller)
    this.tasks = new ServiceTasks(caller)
    this.admin = new ServiceAdmin(caller)
    this.webhooks = new ServiceWebhooks(caller)
    this.#caller = caller
  }

  /**
   * What happens to the account's files, pins and tasks, as it happens. The service ends the stream every ten minutes: call it again with
   * the `id` of the last event as `after`, and nothing is left out.
   */
  events ({ signal, ...query }: EventsQuery & CallOptions = {}): AsyncGenerator<ClusterEvent, void, undefined> {
    return eventsOf(this.#caller.bytes({ method: 'GET', path: eventsPath('/api/v1/events', query), ...(signal == null ? {} : { signal }) }))
  }
}
