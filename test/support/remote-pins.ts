import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { anyCid } from './service-cluster.ts'

export interface RemoteTestPin {
  requestid: string, status: string, created: string, pin: { cid: string, name: string, meta: Record<string, string> }
}

/** A pinning service of somebody else, with pins that are there already. */
export class OtherService {
  readonly token = 'their-token'
  readonly pins: RemoteTestPin[]
  /** Paths that were asked for. */
  readonly asked: string[] = []
  /** Called before each answer; what it gives is answered instead. */
  before: () => { status: number, body?: unknown } | undefined = () => undefined
  #server: Server | undefined

  /** The newest first; `sameTime`: so many have one time. */
  constructor (count: number, { sameTime = 1 }: { sameTime?: number } = {}) {
    const now = Date.UTC(2026, 0, 1)
    this.pins = Array.from({ length: count }, (_, at) => ({
      requestid: `r${at}`, status: 'pinned', created: new Date(now - Math.floor(at / sameTime) * 1000).toISOString(),
      pin: { cid: anyCid(), name: `pin ${at}`, meta: { at: String(at) } }
    }))
  }

  async start (): Promise<string> {
    const server = this.#server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://localhost')
      this.asked.push(request.url ?? '')
      const answer = this.before() ?? (
        request.headers.authorization === `Bearer ${this.token}`
          ? { status: 200, body: this.#page(url.searchParams) }
          : { status: 401, body: {} }
      )
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body ?? {}))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/psa`
  }

  async stop (): Promise<void> {
    this.#server?.closeAllConnections()
    await new Promise(resolve => this.#server?.close(resolve) ?? resolve(undefined))
  }

  #page (query: URLSearchParams): unknown {
    const before = Date.parse(query.get('before') ?? '9999-01-01T00:00:00Z')
    const fit = this.pins.filter(({ created }) => Date.parse(created) < before)
    return { count: fit.length, results: fit.slice(0, Number(query.get('limit') ?? 10)).map(pin => ({ ...pin, delegates: [] })) }
  }
}
