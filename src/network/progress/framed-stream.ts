import { ClusterError } from '../../base/errors.ts'
import { FrameReader } from '../../wire/frame-reader.ts'
import { ProtobufWriter } from '../../wire/protobuf.ts'
import type { PeerStream } from '../network.ts'

/** Resets the stream when the signal aborts or the work fails; rejects with the signal's reason or the fault. */
export async function within<T> (stream: PeerStream, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
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
export const frame = (bytes: Uint8Array): Uint8Array => new ProtobufWriter(bytes.length + 5).varint(bytes.length).raw(bytes).finish()

/** The first frame of what the other side writes. INVALID_DATA when there is none, or it is too long. */
export async function readFrame ({ source, remote }: PeerStream, maxBytes: number): Promise<Uint8Array> {
  const frames = new FrameReader(maxBytes)
  for await (const chunk of source) for (const bytes of frames.push(chunk)) return bytes
  throw new ClusterError('INVALID_DATA', { peer: remote }, { message: 'a message is cut off' })
}
