/** The chunks of a web stream. (Only Node and Firefox can iterate streams themselves.) Ending the iteration early cancels the stream. */
export async function * chunksOfStream (stream: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array, void, undefined> {
  if (stream == null) return
  const reader = stream.getReader()
  let ended = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      ended = done
      if (done) return
      yield value
    }
  } finally {
    if (!ended) await reader.cancel().catch(() => {}) // the reader has what it wanted
  }
}

/** A web stream that asks for a chunk when it is read. */
export function streamOfChunks (chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>({
    pull: async controller => {
      const { done, value } = await iterator.next()
      if (done === true) controller.close()
      else controller.enqueue(value)
    },
    cancel: async () => { await iterator.return?.() }
  }, { highWaterMark: 0 })
}
