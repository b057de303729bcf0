import { segment } from './caller.ts'
import type { CallOptions, ServiceCaller } from './caller.ts'
import type { PinFilter, PinResult, PinResults, ServicePin, TaskStarted } from './types.ts'

const path = '/api/pinning/pins'

/** The Pinning Service API, and what moves pins between services. */
export class ServicePins {
  readonly #caller: ServiceCaller

  constructor (caller: ServiceCaller) { this.#caller = caller }

  add (pin: ServicePin, options: CallOptions = {}): Promise<PinResult> { return this.#caller.json({
    method: 'POST', path, json: pin, ...options
  }) }
  get (requestId: string, options: CallOptions = {}): Promise<PinResult> { return this.#caller.json({
    method: 'GET', path: `${path}/${segment(requestId)}`, ...options
  }) }
  /** Name, origins and metadata; the CID stays. */
  change (requestId: string, pin: ServicePin, options: CallOptions = {}): Promise<PinResult> { return this.#caller.json({
    method: 'POST', path: `${path}/${segment(requestId)}`, json: pin, ...options
  }) }
  delete (requestId: string, options: CallOptions = {}): Promise<void> { return this.#caller.done({
    method: 'DELETE', path: `${path}/${segment(requestId)}`, ...options
  }) }

  /** Newest first. Without `status` only those that are pinned. */
  page ({ signal, ...query }: PinFilter & CallOptions = {}): Promise<PinResults> { return this.#caller.json({
    method: 'GET', path, query: { ...query }, ...(signal == null ? {} : { signal })
  }) }

  /** All that fit, page by page. */
  async * list (filter: PinFilter & CallOptions = {}): AsyncGenerator<PinResult, void, undefined> {
    for (let before = filter.before; ;) {
      const { count, results } = await this.page({ limit: 1000, ...filter, ...(before == null ? {} : { before }) })
      yield * results
      if (results.length >= count || results.length === 0) return
      before = results.at(-1)?.created
    }
  }

  /** All pins of another service, as a task. */
  import (from: { endpoint: string, token: string }, options: CallOptions = {}): Promise<TaskStarted> { return this.#caller.data({
    method: 'POST', path: '/api/v1/pins/import', json: from, ...options
  }) }
  /** All pins of the account, as lines of JSON. */
  export (options: CallOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#caller.bytes({ method: 'GET', path: '/api/v1/pins/export', ...options })
  }
}
