import { Agent, request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'

export interface ServiceAsk {
  method?: string
  key?: string
  /** Where the request comes from, as a trusted proxy says it. */
  address?: string
  json?: unknown
  /** A body as it is, with its type. */
  body?: { type: string, bytes: Uint8Array }
}

export interface ServiceAnswer { status: number, headers: IncomingHttpHeaders, bytes: Buffer }

/** How long requests of one kind took, in milliseconds. */
export interface Timing { kind: string, count: number, medianMs: number, p99Ms: number, slowestMs: number }

/** An answer that doesn't come in this time is an error. */
const patienceMs = 60_000

/** Requests of many users on connections that stay open, and how long they took by kind. */
export class ServiceRequests {
  readonly #url: string
  readonly #agent = new Agent({ keepAlive: true })
  readonly #took = new Map<string, number[]>()

  constructor (url: string) { this.#url = url }

  /** Rejects when there is no whole answer. Any status is an answer. */
  async ask (kind: string, path: string, ask: ServiceAsk = {}): Promise<ServiceAnswer> {
    const from = performance.now()
    const answer = await this.#send(path, ask)
    const took = this.#took.get(kind) ?? []
    took.push(performance.now() - from)
    this.#took.set(kind, took)
    return answer
  }

  timings (): Timing[] {
    return [...this.#took].map(([kind, took]) => {
      const sorted = took.toSorted((a, b) => a - b)
      const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
      return { kind, count: sorted.length, medianMs: at(0.5), p99Ms: at(0.99), slowestMs: at(1) }
    })
  }

  close (): void { this.#agent.destroy() }

  async #send (path: string, { method = 'GET', key, address, json, body }: ServiceAsk): Promise<ServiceAnswer> {
    const content = json === undefined ? body : { type: 'application/json', bytes: Buffer.from(JSON.stringify(json)) }
    const headers = {
      ...(key == null ? {} : { authorization: `Bearer ${key}` }),
      ...(address == null ? {} : { 'x-forwarded-for': address }),
      ...(content == null ? {} : { 'content-type': content.type, 'content-length': content.bytes.length })
    }
    const { promise, resolve, reject } = Promise.withResolvers<ServiceAnswer>()
    const options = { method, headers, agent: this.#agent, signal: AbortSignal.timeout(patienceMs) }
    const sent = request(`${this.#url}${path}`, options, response => {
      const pieces: Buffer[] = []
      response.on('data', (piece: Buffer) => pieces.push(piece))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(pieces) }))
    })
    sent.on('error', reject)
    sent.end(content?.bytes)
    return promise
  }
}
