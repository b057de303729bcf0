import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { Audience, PageEntry } from '../../../src/web/app/page-entry.ts'
import { pagePolicy } from '../../../src/api/web/policy.ts'
import { sitesOf } from '../../../src/web/app/page-entry.ts'
import { pages } from '../../../src/web/app/pages.ts'

const audiences: Record<Audience, string> = {
  everyone: 'everybody', guest: 'who is not logged in', user: 'users', admin: 'admins', operator: 'admins, operators'
}
/** A cluster without a service has no admins of one. */
const whoMay = (page: PageEntry): string => sitesOf(page).includes('service') ? audiences[page.audience] : 'operators'

describe('docs/reference/web-pages.md', () => {
  it('has every page, who it is for, and where it is', () => {
    const rows = readFileSync('docs/reference/web-pages.md', 'utf8').split('\n').filter(line => line.startsWith('| `/')).map(
      line => line.split('|').slice(1, -1).map(cell => cell.trim())
    ).filter(cells => cells.length === 4)

    const wanted = pages.map(page => [`\`${page.path}\``, page.title, whoMay(page), sitesOf(page).join(', ')])
    assert.deepEqual(rows.map(String).toSorted(), wanted.map(String).toSorted())
  })

  it('has the policy of the pages', () => {
    const [, policy = ''] = /```\n(default-src[^`]*)\n```/.exec(readFileSync('docs/reference/web-pages.md', 'utf8')) ?? []

    assert.equal(policy.replaceAll(';\n', '; '), pagePolicy('GATEWAY'))
  })

  it('has no path twice at one address', () => {
    const twice = pages.flatMap(
      page => sitesOf(page).map(site => `${site} ${page.path}`)
    ).filter((path, at, all) => all.indexOf(path) !== at)

    assert.deepEqual(twice, [])
  })
})
