/** Waits until a condition holds, for tests and benchmarks of real processes. Rejects when it doesn't within `withinMs`. */
export async function pollUntil (condition: () => boolean | Promise<boolean>, options: { everyMs?: number, withinMs?: number, what?: string } = {}): Promise<void> {
  const { everyMs = 20, withinMs = 20_000, what = 'the condition' } = options
  const end = performance.now() + withinMs
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`${what} did not come true within ${withinMs} ms`)
    await new Promise(resolve => setTimeout(resolve, everyMs))
  }
}
