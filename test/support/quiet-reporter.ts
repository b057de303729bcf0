import type { TestEvent } from 'node:test/reporters'
import { inspect } from 'node:util'

interface Counts { passed: number, failed: number, skipped: number }

const fullName = (names: readonly string[], name: string): string => [...names, name].join(' › ')

/**
 * Prints what failed, why tests were skipped, and one closing line with the counts. The name of a test that ends late is its own; suites count
 * only when they fail without a failing test inside.
 */
export default async function * quietReporter (source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  const open: string[] = []
  for await (const { type, data } of source) {
    if (type === 'test:start') open.splice(data.nesting, Infinity, data.name)
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
  }
  yield `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`
}

const indent = (text: string): string => text.split('\n').map(line => `  ${line}`).join('\n')
