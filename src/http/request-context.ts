import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../base/clock.ts'
import { ClusterError } from '../base/errors.ts'
import type { Principal } from './request/auth.ts'
import { RequestBody } from './request/body.ts'
import type { Target } from './routing/path.ts'
import { Query } from './request/query.ts'
import type { HeaderList } from './answer/reply.ts'
import type { Call, RouteMatch } from './routing/route.ts'

/** One request and its answer on the way through the request pipeline. */
export class RequestContext implements Call {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly method: string
  readonly path: string
  /** The route that fits, once it is found. */
  match: RouteMatch | null = null
  readonly query: Query
  principal: Principal | null = null
  /** Headers that every answer carries from here on (CORS, configured ones). */
  answerHeaders: HeaderList = []
  /** Bytes of body that the answer has so far. */
  bytesSent = 0
  #body: RequestBody | undefined
  #abort: AbortController | undefined
  #stopTimer = (): void => {}

  constructor (init: { request: IncomingMessage, response: ServerResponse, target: Target }) {
    this.request = init.request
    this.response = init.response
    this.method = init.request.method ?? 'GET'
    this.path = init.target.path
    this.query = new Query(init.target.query)
  }

  get params (): Readonly<Record<string, string>> { return this.match?.params ?? {} }
  get headers (): IncomingHttpHeaders { return this.request.headers }

  get body (): RequestBody {
    this.#body ??= new RequestBody(this.request, this.response)
    return this.#body
  }

  /** Aborts when the client has gone or the time is up. */
  get signal (): AbortSignal { return this.#abortion().signal }

  /** After so many milliseconds the signal aborts with TIMEOUT, in Go's words. The timer ends with the answer. */
  limitTime (ms: number, clock: Pick<Clock, 'after'>): void {
    const abort = this.#abortion()
    this.#stopTimer()
    this.#stopTimer = clock.after(ms, () => abort.abort(new ClusterError('TIMEOUT', { ms }, { message: 'context deadline exceeded' })))
  }

  /** True when nobody is there any more to answer. */
  get isGone (): boolean { return this.response.destroyed }

  #abortion (): AbortController {
    return this.#abort ??= this.#watchClient()
  }

  #watchClient (): AbortController {
    const abort = new AbortController()
    const gone = (): void => {
      this.#stopTimer()
      if (!this.response.writableFinished) abort.abort(new Error('the client went away'))
    }
    if (this.response.destroyed) gone()
    else this.response.on('close', gone)
    return abort
  }
}
