import type { IncomingMessage } from 'node:http'
import type { Answer } from '../request-context.ts'

/** An answer as it is written. */
export interface KeptAnswer { status: number, head: readonly string[], body: Uint8Array }

export interface RecentAnswersInit {
  /** Each of two halves. */
  maxBytes: number
  /** Half of the time that an answer is kept at most. Milliseconds. */
  halfMs: number
}

/** Larger ones cost more to send than to make. Bytes. */
const keptBytes = 16 * 1024
/** Headers, and the place in the table. Bytes. */
const entryBytes = 2048

/** What an answer may depend on beside host, URL and `Accept`. Requests that have one of them are answered by themselves. */
const special = [
  'range', 'if-none-match', 'if-range', 'cache-control', 'service-worker', 'x-forwarded-host', 'x-forwarded-proto'
] as const

/**
 * Small immutable answers that were given a moment ago, ready to be written again. Not for long: what a collection takes away must be gone.
 * To be asked only where nothing is denied.
 */
export class RecentAnswers {
  readonly #init: RecentAnswersInit
  #young = new Map<string, KeptAnswer>()
  #old = new Map<string, KeptAnswer>()
  #youngSince = 0
  #youngBytes = 0

  constructor (init: RecentAnswersInit) { this.#init = init }

  get (key: string, now: number): KeptAnswer | undefined {
    const age = now - this.#youngSince
    if (age >= this.#init.halfMs) {
      // both halves are over
      if (age >= 2 * this.#init.halfMs) this.#young.clear()
      this.#turn(now)
    }
    return this.#young.get(key) ?? this.#old.get(key)
  }

  add (key: string, answer: KeptAnswer, now: number): void {
    const bytes = answer.body.length + 2 * key.length + entryBytes
    if (this.#youngBytes + bytes > this.#init.maxBytes) this.#turn(now)
    this.#youngBytes += bytes
    this.#young.set(key, answer)
  }

  #turn (now: number): void {
    this.#old = this.#young
    this.#young = new Map()
    this.#youngSince = now
    this.#youngBytes = 0
  }
}

/** What a request's answer is kept under; undefined for one that asks for something of its own. */
export function answerKey ({ method, url, headers }: IncomingMessage): string | undefined {
  if (method !== 'GET' || special.some(name => headers[name] != null)) return undefined
  return `${headers.host ?? ''}\n${headers.accept ?? ''}\n${url ?? ''}`
}

/** The body of an answer that may be kept: 200, small, in memory, and immutable; undefined for any other. */
export function keptBody ({ status, headers, body }: Answer): Uint8Array | undefined {
  if (status !== 200 || !(body instanceof Uint8Array) || body.length > keptBytes) return undefined
  return headers.some(([name, value]) => name === 'Cache-Control' && value.endsWith('immutable')) ? body : undefined
}
