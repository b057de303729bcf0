import { yieldToEventLoop } from '../../../base/event-loop.ts'

const pieceLength = 16 * 1024

/** Small texts joined to pieces that are worth a write. Nothing waits while the source is idle: what is there goes out then. */
export async function * textBatches (source: AsyncIterable<string>): AsyncGenerator<string> {
  const iterator = source[Symbol.asyncIterator]()
  let text = ''
  try {
    for (;;) {
      const next = iterator.next()
      if (text !== '' && !await isReady(next)) {
        yield text
        text = ''
      }
      const { done, value } = await next
      if (done === true) break
      text += value
      if (text.length < pieceLength) continue
      yield text
      text = ''
    }
    if (text !== '') yield text
  } finally {
    await iterator.return?.()
  }
}

/** Whether a promise is settled before anything else gets its turn. */
async function isReady (promise: Promise<unknown>): Promise<boolean> {
  let ready = false
  const settle = (): void => { ready = true }
  promise.then(settle, settle)
  for (let step = 0; step < microtasks && !ready; step++) await undefined
  if (!ready) await yieldToEventLoop()
  return ready
}

/** A source that has its next text takes about so many. */
const microtasks = 8
