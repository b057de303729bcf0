import { ClusterError } from '../base/errors.ts'
import { MsgpackReader, MsgpackWriter } from '../wire/msgpack.ts'
import type { MsgpackStream } from '../wire/msgpack-stream.ts'
import type { WireCodec } from '../wire/rpc-schema.ts'
import { responseHeader, serviceId } from '../wire/rpc-types.ts'

/** Where an error of a call comes from (go-libp2p-gorpc). Only type 3 is distinguished by callers. */
export const errorTypes = { method: 0, server: 1, client: 2, authorization: 3 } as const

/** A failure as it stands in a response header. */
export interface WireFailure { message: string, type: number }

function bytesOf (write: (writer: MsgpackWriter) => void): Uint8Array {
  const writer = new MsgpackWriter()
  write(writer)
  return writer.bytes()
}

const partsOf = (name: string): { name: string, method: string } => {
  const dot = name.indexOf('.')
  return { name: name.slice(0, dot), method: name.slice(dot + 1) }
}

/** The head of a request, and for unary calls its argument right behind. */
export function encodeRequest<A> (name: string, argument?: { codec: WireCodec<A>, value: A }): Uint8Array {
  return bytesOf(writer => {
    serviceId.write(writer, partsOf(name))
    argument?.codec.write(writer, argument.value)
  })
}

/** One value of a stream, in the msgpack of Go's RPC: in pieces, without copies of large byte fields. */
export function encodeParts<T> (codec: WireCodec<T>, value: T): Uint8Array[] {
  const writer = new MsgpackWriter()
  codec.write(writer, value)
  return writer.parts()
}

/** One reply: a header that repeats the service, and the value. */
export function encodeReply<R> (name: string, codec: WireCodec<R>, value: R): Uint8Array {
  return bytesOf(writer => {
    responseHeader.write(writer, { service: partsOf(name) })
    codec.write(writer, value)
  })
}

/** An error reply: a failed unary method sends its zero reply behind the header, everything else nil. */
// the codec's type doesn't matter for its zero
export function encodeFailure (name: string, failure: WireFailure, zeroReply?: WireCodec<any>): Uint8Array {
  return bytesOf(writer => {
    responseHeader.write(writer, {
      service: partsOf(name),
      error: failure.message,
      ...(failure.type === errorTypes.method ? {} : { errorType: failure.type })
    })
    if (zeroReply == null) writer.nil()
    else zeroReply.write(writer, zeroReply.zero)
  })
}

/** Decodes a whole value; bytes behind it are a fault. */
export function decodeValue<T> (codec: WireCodec<T>, bytes: Uint8Array): T {
  const reader = new MsgpackReader(bytes)
  const value = codec.read(reader)
  if (reader.position !== bytes.byteLength) {
    throw new ClusterError('INVALID_DATA', { at: reader.position }, { message: 'bytes behind a value' })
  }
  return value
}

/** Go's longest name of a method takes 50 bytes; nobody knows yet whether the caller may call anything. */
const maxServiceBytes = 1024
/** A header repeats the service and may have the text of an error. */
const maxHeaderBytes = 1 << 20
/** The largest arguments are blocks. */
const maxArgumentBytes = 8 << 20

/** The called method's full name; undefined when the stream ends before it. */
export async function readServiceName (values: MsgpackStream): Promise<string | undefined> {
  const bytes = await values.next({ valueBytes: maxServiceBytes })
  if (bytes == null) return undefined
  const { name = '', method = '' } = decodeValue(serviceId, bytes)
  return `${name}.${method}`
}

/** An argument's bytes; undefined at the end of the stream. */
export const nextArgument = async (values: MsgpackStream): Promise<Uint8Array | undefined> => values.next({ valueBytes: maxArgumentBytes })

/**
 * Reads one reply; undefined at the end of the stream. Failures of the other side are thrown: NOT_AUTHORIZED, else PEER_FAILED with its
 * text.
 */
export async function readReply<R> (values: MsgpackStream, codec: WireCodec<R>): Promise<{ value: R } | undefined> {
  const head = await values.next({ valueBytes: maxHeaderBytes })
  if (head == null) return undefined
  const { error = '', errorType = 0 } = decodeValue(responseHeader, head)
  const body = await values.next()
  if (error !== '') {
    throw new ClusterError(errorType === errorTypes.authorization ? 'NOT_AUTHORIZED' : 'PEER_FAILED', { errorType }, { message: error })
  }
  if (body == null) throw new ClusterError('INVALID_DATA', {}, { message: 'EOF' })
  return { value: decodeValue(codec, body) }
}
