import { answerText, isFault, messageOf } from '../base/errors.ts'
import type { Startable } from '../base/lifecycle.ts'
import type { Logger } from '../base/log.ts'
import type { PeerId } from '../model/cid.ts'
import { rpcProtocol } from '../model/peer.ts'
import type { PeerStream, PeerStreams } from '../network/network.ts'
import { MsgpackStream } from '../wire/msgpack-stream.ts'
import { decodeValue, encodeFailure, encodeReply, errorTypes, nextArgument, readServiceName, type WireFailure } from './frames.ts'
import { closedMethods, methods, services, type Method } from './methods.ts'

/** Who calls, and a signal that aborts when the caller is gone. */
export interface RpcContext { from: PeerId, signal: AbortSignal }

type Argument<M> = M extends Method<infer A, any> ? A : never // the other side of the pair doesn't matter here
type Reply<M> = M extends Method<any, infer R> ? R : never // likewise

/** What is done for each method. Unary methods get one argument, streaming ones all of them as they come. */
export type RpcHandlers = { [K in keyof typeof methods]: Unary<K> | Streaming<K> }
type Unary<K extends keyof typeof methods> = {
  unary: (argument: Argument<(typeof methods)[K]>, context: RpcContext) => Promise<Reply<(typeof methods)[K]>>
}
type Streaming<K extends keyof typeof methods> = {
  stream: (args: AsyncIterable<Argument<(typeof methods)[K]>>, context: RpcContext) => AsyncIterable<Reply<(typeof methods)[K]>>
}

export interface RpcServerDeps {
  streams: PeerStreams
  trusts: (peer: PeerId) => boolean
  handlers: RpcHandlers
  /** Methods, as Go names them, that are closed on this peer, whatever their policy. */
  closed?: readonly string[]
  log: Logger
}

type AnyMethod = Method<any, any> // one table holds methods of all types
type AnyHandler = {
  unary?: (argument: unknown, context: RpcContext) => Promise<unknown>,
  stream?: (args: AsyncIterable<unknown>, context: RpcContext) => AsyncIterable<unknown>
}

/**
 * Serves Go's internal RPC: header, look-up, policy, argument, in this order (go-libp2p-gorpc). A faulty or hostile stream ends itself
 * only.
 */
export function rpcServer (deps: RpcServerDeps): Startable {
  const byName = new Map<string, { method: AnyMethod, handler: AnyHandler }>(Object.entries(methods)
    .map(([key, method]) => [method.name, { method, handler: deps.handlers[key as keyof typeof methods] as AnyHandler }]))
  const access: Access = { known: byName, closed: new Set(deps.closed), trusts: deps.trusts }
  let release = (): void => {}

  /** What the caller is told of an error; a fault is told to the log. */
  const toldOf = (stream: PeerStream, method: AnyMethod): Told => err => {
    if (isFault(err)) deps.log.warn('a call failed unexpectedly', { peer: stream.remote, method: method.name, err })
    return { message: answerText(err), type: errorTypes.method }
  }

  const serve = async (stream: PeerStream): Promise<void> => {
    const values = new MsgpackStream(stream.source)
    const name = await readServiceName(values) ?? '.'
    const failure = refusal(name, stream.remote, access)
    if (failure != null) {
      deps.log.debug('call refused', { peer: stream.remote, method: name, why: failure.message })
      return stream.write(encodeFailure(name, failure))
    }
    const { method, handler } = byName.get(name) as { method: AnyMethod, handler: AnyHandler }
    if (handler.stream != null) return serveStream({ stream, values, method, told: toldOf(stream, method) }, handler.stream)
    if (handler.unary != null) return serveUnary({ stream, values, method, told: toldOf(stream, method) }, handler.unary)
  }

  const onStream = (stream: PeerStream): void => {
    serve(stream).then(async () => stream.closeWrite()).catch(err => {
      deps.log.warn('a call from another peer failed', { peer: stream.remote, err })
      stream.abort(err instanceof Error ? err : new Error(String(err)))
    })
  }

  return {
    name: 'rpc',
    start: async () => { release = deps.streams.handle(rpcProtocol, onStream) },
    drain: async () => release(),
    stop: async () => release()
  }
}

interface Access { known: ReadonlyMap<string, { method: AnyMethod }>, closed: ReadonlySet<string>, trusts: (peer: PeerId) => boolean }

function refusal (name: string, from: PeerId, { known, closed, trusts }: Access): WireFailure | undefined {
  const [service = '', method = ''] = [name.slice(0, name.indexOf('.')), name.slice(name.indexOf('.') + 1)]
  if (!services.has(service)) return { message: `rpc: can't find service ${service}`, type: errorTypes.server }
  const found = known.get(name)?.method
  if (found == null && !closedMethods.has(name)) return { message: `rpc: can't find method ${method}`, type: errorTypes.server }
  const isAllowed = found != null && !closed.has(name) && (found.policy === 'open' || (found.policy === 'trusted' && trusts(from)))
  return isAllowed ? undefined : { message: `client does not have permissions to call ${name}`, type: errorTypes.authorization }
}

type Told = (err: unknown) => WireFailure
interface Served { stream: PeerStream, values: MsgpackStream, method: AnyMethod, told: Told }

async function serveUnary ({ stream, values, method, told }: Served, handler: NonNullable<AnyHandler['unary']>): Promise<void> {
  const context = { from: stream.remote, signal: stream.remoteEnded }
  const bytes = await nextArgument(values)
  if (bytes == null) return stream.write(encodeFailure(method.name, { message: 'EOF', type: errorTypes.method }))
  let argument: unknown
  try {
    argument = decodeValue(method.argument, bytes)
  } catch (err) {
    return stream.write(encodeFailure(method.name, { message: `msgpack decode error: ${messageOf(err)}`, type: errorTypes.server }))
  }
  const reply = await handler(argument, context).then(
    value => encodeReply(method.name, method.reply, value),
    err => encodeFailure(method.name, told(err), method.reply))
  if (!context.signal.aborted) await stream.write(reply)
}

async function serveStream ({ stream, values, method, told }: Served, handler: NonNullable<AnyHandler['stream']>): Promise<void> {
  // a half-close only says that there are no more arguments
  const context = { from: stream.remote, signal: stream.wasReset }
  try {
    for await (const value of handler(argumentsOf(values, method), context)) {
      await stream.write(encodeReply(method.name, method.reply, value))
    }
  } catch (err) {
    await stream.write(encodeFailure(method.name, told(err)))
  }
}

async function * argumentsOf (values: MsgpackStream, method: AnyMethod): AsyncGenerator<unknown> {
  for (let bytes = await nextArgument(values); bytes != null; bytes = await nextArgument(values)) yield decodeValue(method.argument, bytes)
}
