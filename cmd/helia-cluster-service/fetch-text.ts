const timeoutMs = 60_000
/** A configuration has a few KiB. */
const longestBytes = 1024 * 1024

/** Gets a remote configuration; gives up after a minute, and when there is more than a megabyte. */
export async function fetchText (url: string): Promise<{ status: number, text: string }> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of answer.body ?? []) {
    bytes += part.length
    if (bytes > longestBytes) throw new Error(`the answer has more than ${longestBytes} bytes`)
    parts.push(part)
  }
  return { status: answer.status, text: new TextDecoder().decode(Buffer.concat(parts)) }
}
