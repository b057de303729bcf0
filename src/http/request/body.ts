import type { IncomingMessage, ServerResponse } from 'node:http'
import { HttpError, badRequest } from '../error-dialect.ts'
import { chunkedBody } from './chunked-body.ts'
import { hasLargeBody, largeBody } from './socket-body.ts'

/** The request's body. Read at most once. */
export class RequestBody {
  readonly #request: IncomingMessage
  readonly #response: ServerResponse

  constructor (request: IncomingMessage, response: ServerResponse) {
    this.#request = request
    this.#response = response
  }

  get contentType (): string { return this.#request.headers['content-type'] ?? '' }

  /** The bytes as they come, with back-pressure; ends in an error when the client goes away before the end. */
  chunks (): AsyncIterable<Buffer> {
    return hasLargeBody(this.#request)
      ? largeBody(this.#request, this.#response)
      : chunkedBody(this.#request, this.#response) ?? this.#parsed()
  }

  /** As Node's parser gives it. */
  async * #parsed (): AsyncGenerator<Buffer, void, undefined> {
    // what came together with the head has been read by the next step: then there is nothing to wait or to listen for
    await undefined
    const whole = this.#request.complete ? this.#request.read() as Buffer | null : null
    if (whole != null) yield whole
    // the socket must live on when the reader stops early: the answer still has to go out
    else yield * this.#request.iterator({ destroyOnReturn: false })
  }

  /** The whole body; more than `limitBytes` is refused with 413. */
  async bytes (limitBytes: number): Promise<Buffer> {
    const parts: Buffer[] = []
    let size = 0
    for await (const part of this.chunks()) {
      size += part.length
      if (size > limitBytes) throw new HttpError(413, 'request body too large')
      parts.push(part)
    }
    return Buffer.concat(parts)
  }

  /** Parsed JSON; 400 with `message` when it isn't any. */
  async json (limitBytes: number, message = 'error decoding request body'): Promise<unknown> {
    const bytes = await this.bytes(limitBytes)
    try {
      return JSON.parse(bytes.toString('utf8'))
    } catch (err) {
      throw badRequest(message, { cause: err })
    }
  }
}
