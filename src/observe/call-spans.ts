import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Attributes, Context, Span, Tracer } from '@opentelemetry/api'
import { isClusterError, messageOf } from '../base/errors.ts'
import { overrideMethods } from './method-overrides.ts'

type Method = (...args: unknown[]) => unknown

export interface TraceCallsInit {
  /** First part of the spans' names: "cluster" makes "cluster.pin". */
  prefix: string
  /** The methods that become spans. They give promises or async iterables. */
  methods: readonly string[]
}

/** The same object; each call of the named methods is a span, from the call until its promise is settled or its iterable has ended. */
export function traceCalls<T extends object> (target: T, { prefix, methods }: TraceCallsInit, tracer: Tracer): T {
  return overrideMethods(target, (name, method) => methods.includes(name) ? tracedMethod(`${prefix}.${name}`, method, tracer) : undefined)
}

function tracedMethod (name: string, method: Method, tracer: Tracer): Method {
  return (...args) => {
    const span = tracer.startSpan(name, { kind: SpanKind.INTERNAL, attributes: attributesOf(args[0]) })
    const inside = trace.setSpan(context.active(), span)
    try {
      const result = context.with(inside, () => method(...args))
      return isAsyncIterable(result) ? iterated(result, span, inside) : settled(result, span)
    } catch (err) {
      fail(span, err)
      throw err
    }
  }
}

/** What a call is about: a CID, a path, a peer, or a pin. */
function attributesOf (first: unknown): Attributes {
  if (typeof first === 'string') return { 'cluster.subject': first.slice(0, 256) }
  if (typeof first !== 'object' || first === null) return {}
  const cid: unknown = 'multihash' in first ? first : 'cid' in first ? first.cid : undefined
  return cid == null ? {} : { 'cluster.cid': String(cid) }
}

async function settled (result: unknown, span: Span): Promise<unknown> {
  try {
    const value = await result
    span.end()
    return value
  } catch (err) {
    fail(span, err)
    throw err
  }
}

/** The span of an iterable that nobody iterates never ends, and is never sent. */
async function * iterated (values: AsyncIterable<unknown>, span: Span, inside: Context): AsyncGenerator<unknown> {
  const iterator = context.with(inside, () => values[Symbol.asyncIterator]())
  let isOpen = true
  try {
    for (;;) {
      const { done, value } = await context.with(inside, async () => iterator.next())
      if (done === true) break
      yield value
    }
    isOpen = false
  } catch (err) {
    isOpen = false
    fail(span, err)
    throw err
  } finally {
    if (isOpen) await iterator.return?.()
    span.end()
  }
}

/** Ends the span as failed, with the error's message, and a ClusterError's code as `error.type`. */
function fail (span: Span, err: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(err) })
  if (isClusterError(err)) span.setAttribute('error.type', err.code)
  span.end()
}

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value
