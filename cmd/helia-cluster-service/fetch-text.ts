const timeoutMs = 60_000

/** Gets a remote configuration; gives up after a minute. */
export async function fetchText (url: string): Promise<{ status: number, text: string }> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })
  return { status: answer.status, text: await answer.text() }
}
