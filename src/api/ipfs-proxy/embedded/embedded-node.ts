import type { Clock } from '../../../base/clock.ts'
import { ClusterError, answerText, isFault } from '../../../base/errors.ts'
import type { Logger } from '../../../base/log.ts'
import { HttpError } from '../../../http/error-dialect.ts'
import { readerFor } from '../../../http/answer/bytes-in-flight.ts'
import type { BytesInFlight, Reader } from '../../../http/answer/bytes-in-flight.ts'
import type { RequestContext } from '../../../http/request-context.ts'
import { sendLines } from '../../../http/answer/lines.ts'
import { meteredSource } from '../../../http/answer/metered-source.ts'
import { usualPiece } from '../../../http/answer/piece-guess.ts'
import type { HeaderList } from '../../../http/answer/reply.ts'
import type { ReadAhead } from '../../../ipfs/dag-reader.ts'
import type { FetchBlockOptions } from '../../../ipfs/ipfs.ts'
import { parseCid } from '../../../model/cid.ts'
import { rawCodec } from '../../../model/multicodec.ts'
import { jsonType } from '../../../http/answer/reply.ts'
import { sendText, writeHead } from '../../../http/answer/send.ts'
import { errorJson, proxyDialect } from '../error-dialect.ts'
import type { NodeApi, NodeHeaders, PutCommand } from '../node-api.ts'
import { blockCommands } from './block-commands.ts'
import type { Command, CommandAnswer, CommandCall, CommandDeps } from './command.ts'
import { dagCommands } from './dag-commands.ts'
import { kuboError } from './errors.ts'
import { fileCommands } from './file-commands.ts'
import { infoCommands, nodeVersion } from './info-commands.ts'
import { keyCommands } from './key-commands.ts'
import { nameCommands } from './name-commands.ts'
import { routingCommands } from './routing-commands.ts'

export interface EmbeddedNodeDeps extends CommandDeps {
  /** Memory for answers, shared with the other listeners. */
  flow: BytesInFlight
  clock: Clock, log: Pick<Logger, 'error'> }

const exposed = 'X-Stream-Output, X-Chunked-Output, X-Content-Length'
const varyPreflight = 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers'
const varyOrigin: HeaderList = [['Vary', 'Origin']]
const prefix = '/api/v0/'
const plainType = 'text/plain; charset=utf-8'

const nothingAhead: ReadAhead = { tryTake: () => false, give: () => {} }

/** Commands that Kubo has and this node has not. Private keys don't leave a Kubo through this API. */
const kuboCommands =
  /^(?!key\/(export|rotate)$)(add|bitswap|block|bootstrap|cat|cid|commands|config|dag|dht|diag|files|filestore|get|id|key|log|ls|mount|multibase|name|object|p2p|pin|ping|provide|pubsub|refs|repo|resolve|routing|shutdown|stats|swarm|update|version)(\/|$)/

const commandsOf = (deps: CommandDeps): ReadonlyMap<string, Command> => new Map(Object.entries({
  ...blockCommands(deps), ...dagCommands(deps), ...fileCommands(deps), ...infoCommands(deps), ...keyCommands(deps), ...nameCommands(deps),
  ...routingCommands(deps)
}))

/** Names of the commands that are answered here, as `block/get`. */
export const embeddedCommands = (deps: CommandDeps): string[] => [...commandsOf(deps).keys()]

/** The part of Kubo's RPC API that tools need, on the embedded node. What it has not, it says. */
export function embeddedNode (deps: EmbeddedNodeDeps): NodeApi {
  return new EmbeddedApi(deps)
}

class EmbeddedApi implements NodeApi {
  readonly #deps: EmbeddedNodeDeps
  readonly #commands: ReadonlyMap<string, Command>
  readonly #headers: HeaderList

  constructor (deps: EmbeddedNodeDeps) {
    this.#deps = deps
    this.#commands = commandsOf(deps)
    this.#headers = [
      ['Access-Control-Allow-Headers', exposed], ['Access-Control-Expose-Headers', exposed],
      ['Server', `kubo/${nodeVersion(deps.cluster.version)}`], ...varyOrigin
    ]
  }

  /** Pages of this machine are allowed, as Kubo allows its own. */
  async headers (origin: string | undefined): Promise<NodeHeaders> {
    const allowed = isLocal(origin)
    return {
      headers: [
        ['Access-Control-Expose-Headers', exposed], ['Vary', varyPreflight],
        ...origin != null && allowed ? [['Access-Control-Allow-Origin', origin] as const] : []
      ],
      allowsOrigin: origin == null || allowed
    }
  }

  async answer (context: RequestContext): Promise<void> {
    const { method, path } = context
    const origin = context.headers.origin
    if (!path.startsWith(prefix) || path === prefix) return this.#plain(context, { status: 404, text: '404 page not found' })
    if (method === 'OPTIONS') return this.#preflight(context, origin)
    if (method !== 'POST') {
      return this.#plain(context, { status: 405, text: '405 - Method Not Allowed', headers: [['Allow', 'OPTIONS, POST'], ...varyOrigin] })
    }
    if ((origin != null && !isLocal(origin)) || context.headers['sec-fetch-site'] === 'cross-site') {
      return this.#plain(context, { status: 403, text: '403 - Forbidden', headers: varyOrigin })
    }
    context.answerHeaders = origin == null ? this.#headers : [...this.#headers, ['Access-Control-Allow-Origin', origin]]
    const name = path.slice(prefix.length)
    const command = this.#commands.get(name)
    if (command == null) return this.#unknown(context, name)
    return this.#run(context, command)
  }

  async * put (command: PutCommand, context: RequestContext): AsyncGenerator<unknown, void, undefined> {
    try {
      const answer = this.#commands.get(command)?.(this.#call(context))
      if (answer == null) return
      for await (const line of answer.source) yield JSON.parse(String(line))
    } catch (err) {
      throw new ClusterError('IPFS_ERROR', {}, { message: answerText(kuboError(err)), cause: err })
    }
  }

  async #run (context: RequestContext, command: Command): Promise<void> {
    let answer: CommandAnswer
    let first: IteratorResult<string | Uint8Array, unknown>
    let source: AsyncIterator<string | Uint8Array>
    const reader = readerFor(this.#deps.flow, context.response)
    try {
      answer = command(this.#call(context, reader))
      source = answer.source[Symbol.asyncIterator]()
      if (answer.kind === 'bytes') await reader.take(usualPiece, context.signal)
      first = await source.next()
    } catch (err) {
      reader.end()
      this.#fail(context, err)
      return
    }
    const marks: Record<CommandAnswer['kind'], HeaderList> = {
      one: [], lines: [['X-Chunked-Output', '1']], bytes: [['X-Stream-Output', '1']]
    }
    await sendLines(context, {
      kind: 'lines',
      style: 'progress',
      contentType: answer.contentType ?? jsonType,
      headers: [...marks[answer.kind], ...answer.headers ?? []],
      source: meteredSource(joined(first, source), reader, {
        signal: context.signal, ...answer.kind === 'bytes' ? { held: usualPiece } : {}
      }),
      onWritten: piece => this.#deps.flow.buffers.release(piece)
    }, { clock: this.#deps.clock, dialect: proxyDialect, log: this.#deps.log, tickBudget: this.#deps.flow.tickBudget })
  }

  #call (context: RequestContext, reader?: Reader): CommandCall {
    const { query, body, signal } = context
    const local = query.get('offline') === 'true'
    const { ipfs, flow } = this.#deps
    const allocate = (bytes: number): Uint8Array => flow.buffers.allocate(bytes)
    let root: string | undefined
    const inPlace = <T extends FetchBlockOptions>(options: T): T => root == null ? options : { ...options, root: parseCid(root) }
    return {
      query,
      body,
      signal,
      ahead: reader ?? nothingAhead,
      // links of other blocks than raw ones are views of their bytes: those must stay
      get: async cid => ipfs.getBlock(cid, inPlace(cid.code === rawCodec ? { signal, local, allocate } : { signal, local })),
      below: found => { root = found },
      joined: leaves => reader?.isRoomy() === true ? ipfs.joined?.(leaves, allocate) : undefined,
      prefetch: cid => local ? undefined : ipfs.prefetch?.(cid, inPlace({ signal }))
    }
  }

  /** Errors of a command are chunked, with an announced trailer, as Kubo's. */
  #fail (context: RequestContext, err: unknown): void {
    if (context.isGone) return
    if (err instanceof HttpError && err.status === 400) {
      this.#plain(context, { status: 400, text: err.message, headers: varyOrigin })
      return
    }
    if (isFault(err)) this.#deps.log.error('a command failed unexpectedly', { path: context.path.slice(0, 200), err })
    this.#json(context, 500, answerText(kuboError(err)))
  }

  #json (context: RequestContext, status: number, message: string): void {
    const text = `${errorJson(message)}\n`
    writeHead(
      context,
      { status, headers: [...context.answerHeaders, ['Content-Type', jsonType], ['Trailer', 'X-Stream-Error']], framing: 'chunked' },
      this.#deps.clock
    )
    context.bytesSent += Buffer.byteLength(text)
    context.response.end(text)
  }

  #unknown (context: RequestContext, name: string): void {
    // `pin/ls/` and the like: a path without an argument
    if (/^pin\/\w+\/$/.test(name)) this.#json(context, 500, 'invalid path "": path does not have enough components')
    else if (kuboCommands.test(name))
      this.#json(
        context, 501,
        `the embedded IPFS node of this cluster peer has no command ${JSON.stringify(name.replaceAll('/', ' '))}: use a Kubo (ipfs_connector.ipfshttp) for it`
      )
    else this.#plain(context, { status: 404, text: '404 page not found', headers: varyOrigin })
  }

  #preflight (context: RequestContext, origin: string | undefined): void {
    const asked = context.headers['access-control-request-method']
    const isAllowed = asked === 'POST' && origin != null && isLocal(origin)
    const granted: HeaderList = isAllowed ? [['Access-Control-Allow-Methods', 'POST'], ['Access-Control-Allow-Origin', origin]] : []
    const headers: HeaderList = asked == null ? [['Allow', 'OPTIONS, POST'], ...varyOrigin] : [['Vary', varyPreflight], ...granted]
    sendText(context, { kind: 'text', status: 204, contentType: null, body: '', headers }, this.#deps.clock)
  }

  #plain (context: RequestContext, { status, text, headers = [] }: { status: number, text: string, headers?: HeaderList }): void {
    context.answerHeaders = []
    sendText(
      context,
      { kind: 'text', status, contentType: plainType, body: `${text}\n`, headers: [['X-Content-Type-Options', 'nosniff'], ...headers] },
      this.#deps.clock
    )
  }
}

const isLocal = (origin: string | undefined): boolean => /^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(origin ?? '')

async function * joined (
  first: IteratorResult<string | Uint8Array, unknown>, rest: AsyncIterator<string | Uint8Array>
): AsyncGenerator<string | Uint8Array> {
  try {
    for (let next = first; next.done !== true; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}
