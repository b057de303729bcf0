import { silentLogger } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import type { RestApi, RestApiInit, Watching } from '../../src/api/rest/rest-api.ts'
import { restApi } from '../../src/api/rest/rest-api.ts'
import type { ClusterApi } from '../../src/cluster/cluster-api.ts'
import { EventRing } from '../../src/events/event-ring.ts'
import { apiServerDefaults } from './api-server-defaults.ts'
import type { InjectReply, InjectRequest } from './inject.ts'
import { inject } from './inject.ts'
import { FakeCluster } from './fake-cluster.ts'

export interface RestPeer<T extends ClusterApi> {
  cluster: T
  api: RestApi
  /** "POST /pins/…" through the whole stack, without a socket. */
  ask (request: string, more?: Omit<InjectRequest, 'path' | 'method'>): Promise<InjectReply>
}

/** The REST API over a fake cluster, with Go's default settings. */
export function restPeer (init: Partial<RestApiInit> = {}): RestPeer<FakeCluster> {
  return restPeerOf(new FakeCluster(), init)
}

export function restPeerOf<T extends ClusterApi> (
  cluster: T, init: Partial<RestApiInit> = {}, watching: Watching = quietWatching()
): RestPeer<T> {
  const api = restApi({ ...apiServerDefaults, ...init }, { cluster, watching, log: silentLogger, clock: systemClock })
  return {
    cluster,
    api,
    ask: async (request, more = {}) => {
      const space = request.indexOf(' ')
      return inject(api, { method: request.slice(0, space), path: request.slice(space + 1), ...more })
    }
  }
}

/** A log of events of its own, in which nothing happens by itself. */
export function quietWatching (): Watching & { feed: EventRing } {
  return { feed: new EventRing({ maxEvents: 100, maxReaders: 10 }, { clock: systemClock }), warnings: { list: () => [] } }
}

export const textOf = (reply: InjectReply): string => reply.body.toString('utf8')

export const headerOf = (reply: InjectReply, name: string): string | undefined => reply.headers.find(([one]) => one === name)?.[1]

/** One file as a multipart body. */
export function upload (content: string, filename = 'hello.txt'): Omit<InjectRequest, 'path' | 'method'> {
  return {
    headers: [['Content-Type', 'multipart/form-data; boundary=Xb']],
    body: `--Xb\r\nContent-Disposition: form-data; name="file"; filename="${filename}"\r\n\r\n${content}\r\n--Xb--\r\n`
  }
}
