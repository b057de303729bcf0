import type { Pin } from '../../model/pin.ts'

/**
 * The metadata by which a service knows the pins that it has made. Whoever pins over one of them takes the mark away, and with it the right
 * to remove the pin.
 */
const key = 'helia-cluster-service'

/** Names the queue that a pin waits in: see `queue_by` in the configuration of the tracker. */
const tenantKey = 'tenant'

/** What the service writes into the metadata of a pin. `tenant` may be ''. */
export const markOf = (service: string, tenant = ''): Record<string, string> => ({
  [key]: service, ...(tenant === '' ? {} : { [tenantKey]: tenant })
})

/** Whether this service made the pin. */
export const isMarked = ({ metadata }: Pick<Pin, 'metadata'>, service: string): boolean =>
  Object.hasOwn(metadata, key) && metadata[key] === service
