/** Sends what somebody tries, and reads as much of the answer as a page can show. */

/** An answer, as far as it has come. */
export interface Shown {
  status: number
  statusText: string
  headers: ReadonlyArray<readonly [name: string, value: string]>
  /** What came so far; null: it isn't text. */
  text: string | null
  bytes: number
  /** More may come: the answer is a stream, or is being read. */
  isOpen: boolean
  /** The rest wasn't read. */
  isCut: boolean
}

export interface TryRequestOptions {
  fetch: typeof fetch
  signal: AbortSignal
  onShown: (shown: Shown) => void
}

/** More is no use on a page. */
const shownBytes = 256 * 1024

/** Sends a request of the page's "try it" and tells the answer as it comes. Rejects as `fetch` does. */
export async function tryRequest (address: string, init: RequestInit, { fetch, signal, onShown }: TryRequestOptions): Promise<void> {
  const response = await fetch(address, { ...init, signal })
  const isText = isTextual(response.headers.get('content-type'))
  const decoder = new TextDecoder()
  const head = { status: response.status, statusText: response.statusText, headers: [...response.headers] }
  let [text, bytes] = ['', 0]
  const show = (isOpen: boolean, isCut = false): void =>
    onShown({ ...head, text: isText ? pretty(text, isOpen || isCut) : null, bytes, isOpen, isCut })
  show(true)
  try {
    for await (const chunk of chunksOf(response)) {
      bytes += chunk.length
      if (isText) text += decoder.decode(chunk, { stream: true })
      if (bytes > shownBytes) return show(false, true)
      show(true)
    }
  } catch (err) {
    if (!signal.aborted) throw err
    return show(false, true)
  }
  show(false)
}

/** Ends the transfer when the loop is left. */
async function * chunksOf ({ body }: Response): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = body?.getReader()
  if (reader == null) return
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    void reader.cancel().catch(() => {})
  }
}

/** Whether a body of this type is shown as text. */
export const isTextual = (contentType: string | null): boolean =>
  contentType == null || /^text\/|[/+]json\b|ndjson|[/+]xml\b|javascript|x-www-form-urlencoded/.test(contentType)

/** JSON that is whole is set out; lines of JSON, and what is still coming, stay as they are. */
export function pretty (text: string, isPart: boolean): string {
  if (isPart) return text
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
