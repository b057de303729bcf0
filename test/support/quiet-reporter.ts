import type { TestEvent } from 'node:test/reporters'
import { relative } from 'node:path'
import { inspect } from 'node:util'
import { isOfFile, Slowness } from './slowness.ts'

interface Counts { passed: number, failed: number, skipped: number }

const fullName = (names: readonly string[], name: string): string => [...names, name].join(' › ')
/** How often a run that goes on says so. */
const progressEveryMs = 15_000

/**
 * Prints what failed, why tests were skipped, every 15 s how far the run is and which files run, and one closing line with the counts. The
 * name of a test that ends late is its own; suites count only when they fail without a failing test inside. With `SLOW_TESTS=20` in the
 * environment it also tells which 20 files and tests took longest.
 */
export default async function * quietReporter (source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  const open: string[] = []
  const slowness = new Slowness(Number(process.env.SLOW_TESTS ?? 0))
  const begin = performance.now()
  let toldAt = begin
  const running = new Map<string, number>()
  let begun = 0
  for await (const event of withTicks(source)) {
    const now = performance.now()
    if (now - toldAt > progressEveryMs) {
      toldAt = now
      yield `… ${seconds(now - begin)}: ${counts.passed} passed, ${counts.failed} failed; ${begun} files begun, ${told(running)}\n`
    }
    if (event == null) continue
    const { type, data } = event
    if (type === 'test:start') open.splice(data.nesting, Infinity, data.name)
    if (type === 'test:dequeue' && data.nesting === 0 && isOfFile(data)) {
      begun++
      running.set(data.name, performance.now())
    }
    if (type === 'test:complete' && data.nesting === 0 && isOfFile(data)) running.delete(data.name)
    if (type === 'test:pass') {
      const isSuite = data.details.type === 'suite'
      if (data.skip != null && data.skip !== false) {
        counts.skipped++
        yield `skipped: ${data.name}${typeof data.skip === 'string' && data.skip !== '' ? ` (${data.skip})` : ''}\n`
      } else if (!isSuite) counts.passed++
    }
    if (type === 'test:fail') {
      const { error } = data.details
      const isParent = error.cause != null && /subtests? failed/.test(String(error.message))
      if (isParent || /subtests? failed/.test(String(error.message))) continue
      counts.failed++
      yield `\nFAILED ${data.file ?? ''}\n  ${fullName(open.slice(0, data.nesting), data.name)}\n${indent(inspect(error.cause ?? error))}\n`
    }
    if (type === 'test:stderr' || type === 'test:stdout') yield data.message
    slowness.note(event)
  }
  yield * slowness.lines()
  yield `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`
}

/** The events, and null when there was none for a while: what hangs says nothing. */
async function * withTicks (source: AsyncIterable<TestEvent>): AsyncGenerator<TestEvent | null> {
  const events = source[Symbol.asyncIterator]()
  for (let next = events.next(); ;) {
    const tick = Promise.withResolvers<null>()
    const timer = setTimeout(() => tick.resolve(null), progressEveryMs)
    const result = await Promise.race([next, tick.promise])
    clearTimeout(timer)
    if (result == null) yield null
    else if (result.done === true) return
    else {
      yield result.value
      next = events.next()
    }
  }
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`

/** What runs, since when. */
function told (running: ReadonlyMap<string, number>): string {
  const now = performance.now()
  return [...running].map(([file, since]) => `${relative(process.cwd(), file)} runs for ${seconds(now - since)}`).join(', ')
}

const indent = (text: string): string => text.split('\n').map(line => `  ${line}`).join('\n')
