import { deadline } from '../base/clock.ts'
import type { Clock } from '../base/clock.ts'
import { ClusterError } from '../base/errors.ts'
import { FrameReader } from '../base/frame-reader.ts'
import { varintBytes } from '../base/varint.ts'

/** What a request needs of a stream; `PeerStream` has it. */
export interface RequestStream {
  readonly remote: string
  readonly source: AsyncIterable<Uint8Array>
  write (bytes: Uint8Array): Promise<void>
  closeWrite (): Promise<void>
  abort (err: Error): void
}

interface Within { clock: Clock, limitMs: number, signal?: AbortSignal | undefined }

/**
 * One request and its response over a stream of its own: a frame each way, a varint with its length in front. The stream is reset when
 * anything goes wrong.
 */
export async function request (
  open: (signal: AbortSignal) => Promise<RequestStream>, bytes: Uint8Array,
  { maxResponseBytes, ...limits }: Within & { maxResponseBytes: number }
): Promise<Uint8Array> {
  return within(limits, async signal => {
    const stream = await open(signal)
    return resetOnFailure(stream, signal, async () => {
      await stream.write(frame(bytes))
      await stream.closeWrite()
      return readFrame(stream, maxResponseBytes)
    })
  })
}

/**
 * Reads the request, writes what `handle` gives; each of both may take `limitMs`, what lies between as long as it likes while the other
 * side stays. Rejects with what went wrong; the stream is reset then.
 */
export async function respond (
  stream: RequestStream, handle: (request: Uint8Array) => Promise<Uint8Array>,
  { maxRequestBytes, ...limits }: Within & { maxRequestBytes: number }
): Promise<void> {
  const received = await within(limits, async signal => resetOnFailure(stream, signal, async () => readFrame(stream, maxRequestBytes)))
  const response = await handle(received).catch(err => {
    stream.abort(err as Error)
    throw err
  })
  await within(limits, async signal => resetOnFailure(stream, signal, async () => {
    await stream.write(frame(response))
    await stream.closeWrite()
  }))
}

async function within<T> ({ clock, limitMs, signal: callers }: Within, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { signal, clear } = deadline(clock, limitMs, () => new ClusterError('TIMEOUT', {}), callers)
  try {
    return await work(signal)
  } finally {
    clear()
  }
}

/** Resets the stream when the signal aborts or the work fails; rejects with the signal's reason or the fault. */
export async function resetOnFailure<T> (stream: RequestStream, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const onAbort = (): void => stream.abort(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    signal.throwIfAborted()
    return await work()
  } catch (err) {
    stream.abort(err as Error)
    throw signal.aborted ? signal.reason : err
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Bytes with their length in front, as an unsigned varint. */
export const frame = (bytes: Uint8Array): Uint8Array => Buffer.concat([varintBytes(bytes.length), bytes])

/** The first frame of what the other side writes. INVALID_DATA when there is none, or it is too long. */
export async function readFrame ({ source, remote }: RequestStream, maxBytes: number): Promise<Uint8Array> {
  const frames = new FrameReader(maxBytes)
  for await (const chunk of source) for (const bytes of frames.push(chunk)) return bytes
  throw new ClusterError('INVALID_DATA', { peer: remote }, { message: 'a message is cut off' })
}
