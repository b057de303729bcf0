import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'

const root = join(import.meta.dirname, '../../../src/web')
const sheets = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.css')).map(name => ({
  name, text: readFileSync(join(root, name), 'utf8').replace(/\/\*.*?\*\//gs, '')
}))

/** Classes with which a selector of the sheet begins. */
const begun = (text: string): Set<string> => new Set([...text.matchAll(/(?:^|[{},])\s*\.([a-z][\w-]*)/g)].map(([, name = '']) => name))

/** Which stylesheet comes first depends on which page was shown first. */
describe('the stylesheets of the pages', () => {
  it('have every rule in a layer: what is in none would win over all', () => {
    const outside = sheets.filter(
      ({ text }) =>
        text.replace(/@(?:import|layer)[^{}]*;/g, '').trim() !== '' && !/^(?:\s*@(?:import|layer)[^{};]*;)*\s*@layer [a-z]+ \{/.test(text)
    ).map(({ name }) => name)

    assert.deepEqual(outside, [])
    assert.ok(sheets.length > 30)
  })

  it('have their classes for themselves: two pages with a class of the same name would look as the last one wants', () => {
    const owners = new Map<string, string[]>()
    for (const { name, text } of sheets.filter(({ name }) => name.startsWith('pages/'))) {
      for (const one of begun(text)) owners.set(one, [...owners.get(one) ?? [], name])
    }

    assert.deepEqual([...owners].filter(([, names]) => names.length > 1), [])
    assert.ok(owners.size > 60)
  })
})
